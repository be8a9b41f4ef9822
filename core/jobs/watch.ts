/** Checkpoints as policies look at them: what a scan found, against what the store holds; and a watch that tells them as they come. */
import { resolve } from 'node:path';
import type { FoundCheckpoint, ScanResult } from '../scan/found.ts';
import { scan } from '../scan/scanner.ts';
import { Watch, type WatchOptions } from '../scan/watch.ts';
import type { Candidate } from '../plan/policy.ts';
import { ArchivedSteps } from './archive/selection.ts';
import type { StageAccess } from './job.ts';

const modifiedMs = ({ files }: FoundCheckpoint): number => Math.max(0, ...files.map(({ mtimeNs }) => Number(mtimeNs / 1_000_000n)));

/** @throws CairnError as the store gives where it can't be read. */
async function candidatesOf(access: StageAccess, { runs }: ScanResult): Promise<Candidate[]> {
  const archived = (await access.storeExists()) ? await ArchivedSteps.of(await access.readStore()) : undefined;
  const candidates: Candidate[] = [];
  for (const run of runs) {
    for (const checkpoint of run.checkpoints) {
      const { step, path, state } = checkpoint;
      const known = state === 'complete' && (await archived?.find(run, checkpoint)) !== undefined;
      candidates.push({ run: run.name, runPath: run.path, step, path, modifiedMs: modifiedMs(checkpoint), state, archived: known });
    }
  }
  return candidates;
}

/** What a look through folders gave. */
export interface Sight {
  candidates: Candidate[];
  /** Which of the folders could not be looked through, and why, a line each: a mount that is gone, say. */
  unreachable: string[];
}

async function sightOf(access: StageAccess, paths: readonly string[], found: ScanResult): Promise<Sight> {
  access.catalogue.saveScan(found);
  access.changed();
  const asked = new Set(paths.map((path) => resolve(path)));
  const missing = found.findings.filter(({ severity, path }) => severity === 'error' && asked.has(resolve(path)));
  return { candidates: await candidatesOf(access, found), unreachable: missing.map(({ message }) => message) };
}

/** Looks through folders once. */
export async function findCandidates(access: StageAccess, paths: readonly string[]): Promise<Sight> {
  return sightOf(access, paths, await scan([...paths], { previous: access.catalogue.previousFile }));
}

export interface CandidateWatchOptions extends Pick<WatchOptions, 'quietMs' | 'settleMs' | 'pollMs' | 'onError'> {
  /** Called after every look, the first one included; the next look waits for what it returns. */
  onSight(sight: Sight): void | Promise<void>;
}

/** Tells of checkpoints as trainers finish them. The caller closes the watch. */
export function watchCandidates(access: StageAccess, paths: readonly string[], options: CandidateWatchOptions): Watch {
  const { onSight, ...rest } = options;
  return new Watch(paths, {
    ...rest,
    previous: access.catalogue.previousFile,
    onScan: async (result) => onSight(await sightOf(access, paths, result)),
  });
}
