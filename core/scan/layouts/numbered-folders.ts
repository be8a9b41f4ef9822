/**
 * Folders that differ in a number: `step-000200/model.safetensors`, `017-2026-01-12-e5fef3b4/`. There is no marker of
 * a finished save, so the headers of the files have to show it.
 */
import type { TreeFolder } from '../folder-tree.ts';
import { isWeightsFile } from './file-kinds.ts';
import { groupFamilies, hasDistinctSteps, type Family } from './families.ts';
import { readNumberedName } from './names.ts';
import type { Claim, Question, Recogniser, Recognised } from './recogniser.ts';

/** How far below a folder named as a step its weights may lie. */
const weightsDepth = 3;

/** True where weights lie in the folder, or below it without another folder named as a step between: that one is the checkpoint then. */
function holdsWeights(folder: TreeFolder, depth: number): boolean {
  if (folder.files.some((file) => isWeightsFile(file.name) || file.name.endsWith('.distcp'))) return true;
  return depth > 0 && folder.folders.some((child) => !readNumberedName(child.name)?.sure && holdsWeights(child, depth - 1));
}

/** A family counts where a member holds weights; one that only ends in a number needs two members and the weights on top. */
function isRun(family: Family<TreeFolder>): boolean {
  const holding = family.members.filter(({ entry }) => holdsWeights(entry, family.sure ? weightsDepth : 0));
  return family.sure ? holding.length > 0 : holding.length > 1 && hasDistinctSteps(family);
}

function claim({ entry, step }: { entry: TreeFolder; step: number }): Claim {
  const base: Claim = { entry, step, stepFrom: 'name' };
  if (holdsWeights(entry, weightsDepth)) return base;
  return { ...base, unfinished: 'it holds no weights: the save did not finish; remove it or save again' };
}

function recognise({ folder }: Question): Promise<Recognised | undefined> {
  const claims = groupFamilies(folder.folders, false)
    .filter(isRun)
    .flatMap((family) => family.members.map(claim));
  return Promise.resolve(claims.length > 0 ? { claims } : undefined);
}

export const numberedFolders: Recogniser = { name: 'numbered-folders', recognise };
