/**
 * DeepSpeed: tag folders (`global_step<N>`) of `*_model_states.pt` and `*_optim_states.pt`, and beside them `latest`,
 * which names the last tag that was finished. Rules: reference of layouts, point 7.
 */
import type { TreeFolder } from '../folder-tree.ts';
import { readNumberedName } from './names.ts';
import { fileNamed, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';
import { heldToTracker, readTracker } from './tracker.ts';

const stateName = /_(model|optim)_states\.pt$/;

function isTag(folder: TreeFolder): boolean {
  return folder.files.some((file) => stateName.test(file.name)) || /^global_step\d+(_universal)?$/.test(folder.name);
}

function stepOf(name: string): number {
  return readNumberedName(name)?.step ?? 0;
}

function claim(folder: TreeFolder): Claim {
  const base: Claim = { entry: folder, step: stepOf(folder.name), stepFrom: /\d/.test(folder.name) ? 'name' : 'mtime' };
  if (folder.files.some((file) => /model_states\.pt$/.test(file.name)) || folder.folders.some((child) => child.name === 'zero'))
    return base;
  return { ...base, unfinished: 'it holds no model states: the save did not finish; remove it or save again' };
}

async function recognise({ folder, whole, facts }: Question): Promise<Recognised | undefined> {
  const tags = folder.folders.filter(isTag);
  if (!tags.some((tag) => tag.files.some((file) => stateName.test(file.name)))) return undefined;
  const tracker = fileNamed(whole, 'latest');
  const latest = await readTracker(tracker, facts);
  const lastStep = latest === undefined ? undefined : stepOf(latest);
  const claims = tags.map(claim).map((found) => (found.unfinished ? found : heldToTracker(found, 'latest', tracker, lastStep)));
  return { claims };
}

export const deepspeed: Recogniser = { name: 'deepspeed', recognise };
