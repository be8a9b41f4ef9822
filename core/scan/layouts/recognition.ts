/** Asks every recogniser about a folder and then about the folders below that nobody claimed. */
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import type { FoundRun } from '../found.ts';
import type { FileFacts } from './file-facts.ts';
import { runName } from './names.ts';
import { newestMtime, type Claim, type Recognised } from './recogniser.ts';
import { recognisers } from './registry.ts';
import { singleModel } from './single-model.ts';

/** Layout of a lone distributed checkpoint of PyTorch. */
const distributedName = 'dcp';

/** A run before its checkpoints are looked into. */
export interface RunClaims extends Pick<FoundRun, 'path' | 'name' | 'layout' | 'losses'> {
  claims: Claim[];
}

/** Runs at and below `folder`. One folder is one run, however many recognisers find a part of it. */
export async function recognise(folder: TreeFolder, facts: FileFacts): Promise<RunClaims[]> {
  const runs: RunClaims[] = [];
  const claimed = new Set<TreeFolder | TreeFile>();
  for (const recogniser of recognisers) {
    const found = await recogniser.recognise({ folder: without(folder, claimed), whole: folder, facts });
    if (found) accept(runs, claimed, folder, recogniser.name, found);
  }
  const below = await Promise.all(folder.folders.filter((child) => !claimed.has(child)).map((child) => recognise(child, facts)));
  return withSingle(folder, claimed, runs, below.flat(), facts);
}

/** A model of the folder itself is asked for last, because whether it includes the folders below depends on what they are. */
async function withSingle(
  folder: TreeFolder,
  claimed: Set<TreeFolder | TreeFile>,
  runs: RunClaims[],
  below: RunClaims[],
  facts: FileFacts,
): Promise<RunClaims[]> {
  const chainsBelow = new Set(
    below.filter((run) => run.layout !== singleModel.name && run.layout !== distributedName).map((run) => run.path),
  );
  for (const child of folder.folders) if (holdsRun(child, chainsBelow)) claimed.add(child);
  const single = await singleModel.recognise({ folder: without(folder, claimed), whole: folder, facts });
  if (!single) return [...runs, ...below];
  for (const claim of single.claims) placeByTime(claim, runs.find((run) => run.path === folder.path)?.claims ?? []);
  accept(runs, claimed, folder, folder.files.some((file) => file.name.endsWith('.distcp')) ? distributedName : singleModel.name, single);
  const swallowed = single.claims.some((claim) => !claim.onlyFiles);
  return swallowed ? runs : [...runs, ...below];
}

function holdsRun(folder: TreeFolder, runPaths: Set<string>): boolean {
  return runPaths.has(folder.path) || folder.folders.some((child) => holdsRun(child, runPaths));
}

/** A model without a number stands at the step of the newest checkpoint that is not newer. */
function placeByTime(claim: Claim, numbered: readonly Claim[]): void {
  const time = (claim.onlyFiles ?? []).reduce((newest, file) => (file.mtimeNs > newest ? file.mtimeNs : newest), newestMtime(claim.entry));
  for (const other of numbered) if (newestMtime(other.entry) <= time) claim.step = Math.max(claim.step, other.step);
}

function accept(runs: RunClaims[], claimed: Set<TreeFolder | TreeFile>, folder: TreeFolder, layout: string, found: Recognised): void {
  const { path } = folder;
  const name = runName(path);
  const run = runs.find((candidate) => candidate.path === path);
  if (run) run.claims.push(...found.claims);
  else runs.push({ path, name, layout, claims: [...found.claims], losses: found.losses ?? [] });
  for (const claim of found.claims) for (const entry of claim.onlyFiles ?? [claim.entry]) claimed.add(entry);
}

function without(folder: TreeFolder, claimed: Set<TreeFolder | TreeFile>): TreeFolder {
  if (claimed.size === 0) return folder;
  return {
    ...folder,
    folders: folder.folders.filter((child) => !claimed.has(child)),
    files: folder.files.filter((file) => !claimed.has(file)),
  };
}
