/**
 * Orbax: folders named by their step alone or `checkpoint_<n>`, of many small files. A save is written to a folder
 * whose name holds `.orbax-checkpoint-tmp` and renamed when it is finished. Rules: reference of layouts, point 13.
 */
import type { TreeFolder } from '../folder-tree.ts';
import { filesBelow, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';

const stepName = /^(?:[a-z]+_)?(?<step>\d{1,15})(?<staging>\.orbax-checkpoint-tmp.*)?$/;
const trace = /^(_CHECKPOINT_METADATA|_METADATA|_sharding|manifest\.ocdbt|checkpoint\.orbax-checkpoint-tmp.*)$/;
/** Below the step lies at most one folder an item, and in it the item's metadata. */
const traceDepth = 2;

function claim(folder: TreeFolder, marks: boolean): Claim {
  const groups = stepName.exec(folder.name)?.groups;
  const base: Claim = { entry: folder, step: Number(groups?.['step'] ?? 0), stepFrom: 'name' };
  if (groups?.['staging'] !== undefined)
    return { ...base, unfinished: 'it has its temporary name: the save did not finish; remove it or save again' };
  const marked = folder.files.some((file) => file.name === '_CHECKPOINT_METADATA' || file.name === 'commit_success.txt');
  if (marks && !marked) return { ...base, unfinished: '_CHECKPOINT_METADATA is missing: the save did not finish; remove it or save again' };
  return { ...base, marked: true };
}

function recognise({ folder }: Question): Promise<Recognised | undefined> {
  const steps = folder.folders.filter((child) => stepName.test(child.name));
  if (!steps.some((child) => filesBelow(child, traceDepth).some((file) => trace.test(file.name)))) return Promise.resolve(undefined);
  const marks = steps.some((child) => child.files.some((file) => file.name === '_CHECKPOINT_METADATA'));
  return Promise.resolve({ claims: steps.map((step) => claim(step, marks)) });
}

export const orbax: Recogniser = { name: 'orbax', recognise };
