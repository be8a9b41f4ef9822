/** Checkpoints as policies look at them: what a scan found, against what the store holds; and a watch that tells them as they come. */
import type { FoundCheckpoint, ScanResult } from '../scan/found.ts';
import { scan } from '../scan/scanner.ts';
import { Watch, type WatchOptions } from '../scan/watch.ts';
import type { Candidate } from '../plan/policy.ts';
import { ArchivedSteps } from './archive/selection.ts';
import type { StageAccess } from './job.ts';

const modifiedMs = ({ files }: FoundCheckpoint): number => Math.max(0, ...files.map(({ mtimeNs }) => Number(mtimeNs / 1_000_000n)));

/** @throws CairnError as the store gives where it can't be read. */
export async function candidatesOf(access: StageAccess, { runs }: ScanResult): Promise<Candidate[]> {
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

/**
 * Looks through folders once.
 *
 * @throws CairnError `not_found`, `denied`, `io` where none of them can be looked through.
 */
export async function findCandidates(access: StageAccess, paths: readonly string[]): Promise<Candidate[]> {
  const found = await scan([...paths], { previous: access.catalogue.previousFile });
  access.catalogue.saveScan(found);
  access.changed();
  return candidatesOf(access, found);
}

export interface CandidateWatchOptions extends Pick<WatchOptions, 'quietMs' | 'settleMs' | 'pollMs' | 'onError'> {
  /** Called after every look, the first one included; the next look waits for what it returns. */
  onCandidates(candidates: Candidate[]): void | Promise<void>;
}

/** Tells of checkpoints as trainers finish them. The caller closes the watch. */
export function watchCandidates(access: StageAccess, paths: readonly string[], options: CandidateWatchOptions): Watch {
  const { onCandidates, ...rest } = options;
  return new Watch(paths, {
    ...rest,
    previous: access.catalogue.previousFile,
    onScan: async (result) => {
      access.catalogue.saveScan(result);
      access.changed();
      await onCandidates(await candidatesOf(access, result));
    },
  });
}
