/** Saves that have only begun: a model is there, and nothing yet of what its trainer writes next. */
import type { TreeFolder } from '../folder-tree.ts';
import { isWeightsFile } from './file-kinds.ts';
import { checkpointName, traces } from './hf-trainer.ts';

/** Accelerate's own name, under which it writes the model first and random states last. */
const accelerateName = /^checkpoint_\d{1,15}$/;

/**
 * True for a model that a trainer may have saved a moment ago. Beside other checkpoints of its layout there is no doubt; of the first
 * one of a run, only time tells it from a model without more.
 */
export function mayBeBegun({ name, files }: TreeFolder): boolean {
  const names = files.map((file) => file.name);
  if (accelerateName.test(name)) return names.length > 0 && names.every((file) => isWeightsFile(file) || file.endsWith('.index.json'));
  const saved = names.some((file) => file === 'config.json' || file.startsWith('adapter_model.'));
  return checkpointName.test(name) && saved && !names.some((file) => traces.has(file));
}
