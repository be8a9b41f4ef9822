/**
 * Megatron-LM, NeMo and verl: `iter_<N>` (or `release`) and `global_step_<N>` folders, and beside them
 * `latest_checkpointed_iteration.txt` with the last step that was finished. Rules: reference of layouts, point 9.
 */
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import { fileNamed, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';
import { heldToTracker, readTracker } from './tracker.ts';

const trackerName = 'latest_checkpointed_iteration.txt';

interface Shape {
  name: string;
  folder: RegExp;
  /** What shows that a folder of this name is of this layout, where there is no tracker. */
  holds(folder: TreeFolder): boolean;
}

const megatronShape: Shape = {
  name: 'megatron',
  folder: /^(?:iter_(?<step>\d{1,15})|release)$/,
  holds: (folder) =>
    folder.folders.some((child) => child.name.startsWith('mp_rank_')) ||
    folder.files.some((file) => /\.distcp$|^common\.pt$/.test(file.name)),
};
const verlShape: Shape = {
  name: 'verl',
  folder: /^global_step_(?<step>\d{1,15})$/,
  holds: (folder) => folder.folders.some((child) => ['actor', 'critic'].includes(child.name)),
};

function claim(folder: TreeFolder, shape: Shape, tracker: TreeFile | undefined, lastStep: number | undefined): Claim {
  const step = Number(shape.folder.exec(folder.name)?.groups?.['step'] ?? 0);
  return heldToTracker({ entry: folder, step, stepFrom: 'name' }, trackerName, tracker, lastStep);
}

function parseStep(tracker: string | undefined): number | undefined {
  if (tracker === 'release') return Infinity;
  return tracker !== undefined && /^\d{1,15}$/.test(tracker) ? Number(tracker) : undefined;
}

function recogniserOf(shape: Shape): Recogniser {
  async function recognise({ folder, whole, facts }: Question): Promise<Recognised | undefined> {
    const steps = folder.folders.filter((child) => shape.folder.test(child.name));
    const tracker = fileNamed(whole, trackerName);
    if (steps.length === 0 || !(tracker || steps.some((step) => shape.holds(step)))) return undefined;
    const lastStep = parseStep(await readTracker(tracker, facts));
    return { claims: steps.map((step) => claim(step, shape, tracker, lastStep)) };
  }
  return { name: shape.name, recognise };
}

export const megatron = recogniserOf(megatronShape);
export const verl = recogniserOf(verlShape);
