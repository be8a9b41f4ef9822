/**
 * Folders that differ in a number: `step-000200/model.safetensors`, `017-2026-01-12-e5fef3b4/`. There is no marker of
 * a finished save, so the headers of the files have to show it.
 */
import type { TreeFolder } from '../folder-tree.ts';
import { isWeightsFile } from './file-kinds.ts';
import { mayBeBegun } from './begun.ts';
import { groupFamilies, hasDistinctSteps, type Family } from './families.ts';
import { isPiece, readNumberedName } from './names.ts';
import type { Claim, Question, Recogniser, Recognised } from './recogniser.ts';

/** How far below a folder named as a step its weights may lie. */
const weightsDepth = 3;

/** True where weights lie in the folder, or below it without another folder named as a step between: that one is the checkpoint then. */
function holdsWeights(folder: TreeFolder, depth: number): boolean {
  if (folder.files.some((file) => isWeightsFile(file.name) || file.name.endsWith('.distcp'))) return true;
  return depth > 0 && folder.folders.some((child) => !readNumberedName(child.name)?.sure && holdsWeights(child, depth - 1));
}

/** Numbers after these words count runs, not steps of one. */
const runWord = /(^|[^a-z])(run|exp|experiment|trial|seed|fold|version|v|job|sweep|worker|config|cfg|test|out|output)[-_=. ]?\d+$/i;

/** True where the folder is rather a run than a step: it has numbered saves of its own, or one that is written over. */
function isRunItself({ name, files, folders }: TreeFolder): boolean {
  const saves = files.filter((file) => isWeightsFile(file.name) && !isPiece(file.name));
  const numbered = groupFamilies(saves, true).some((family) => family.sure || family.members.length > 1);
  return (
    runWord.test(name) ||
    numbered ||
    files.some((file) => file.name === 'ckpt.pt') ||
    folders.some((child) => readNumberedName(child.name)?.sure)
  );
}

/** A family counts where a member holds weights; one that only ends in a number needs two that can be nothing but steps. */
function isRun(family: Family<TreeFolder>): boolean {
  if (family.sure) return family.members.some(({ entry }) => holdsWeights(entry, weightsDepth));
  const holding = family.members.filter(({ entry }) => holdsWeights(entry, 0));
  return holding.length > 1 && hasDistinctSteps(family) && !family.members.some(({ entry }) => isRunItself(entry));
}

function claim({ entry, step }: { entry: TreeFolder; step: number }, alone: boolean): Claim {
  const base: Claim = { entry, step, stepFrom: 'name', ...(alone && mayBeBegun(entry) && { begun: true }) };
  if (holdsWeights(entry, weightsDepth)) return base;
  return { ...base, unfinished: 'it holds no weights: the save did not finish; remove it or save again' };
}

function recognise({ folder }: Question): Promise<Recognised | undefined> {
  const claims = groupFamilies(folder.folders, false)
    .filter(isRun)
    .flatMap((family) => family.members.map((member) => claim(member, family.members.length === 1)));
  return Promise.resolve(claims.length > 0 ? { claims } : undefined);
}

export const numberedFolders: Recogniser = { name: 'numbered-folders', recognise };
