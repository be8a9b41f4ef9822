/** A model by itself: a folder (or one file) without numbers is one checkpoint at step 0. */
import type { TreeFolder } from '../folder-tree.ts';
import { isWeightsFile } from './file-kinds.ts';
import type { Claim, Question, Recogniser, Recognised } from './recogniser.ts';

export const singleModel: Recogniser = { name: 'single', recognise };

/** Files that lie at the top of a model's folder, so that what is below belongs to the model too. */
const modelTop =
  /^(config\.json|model_index\.json|params\.json|adapter_config\.json|tokenizer.*\.(json|model)|\.metadata|.*\.index\.json)$/;

function holdsModel(folder: TreeFolder): boolean {
  return folder.files.some((file) => isWeightsFile(file.name) || file.name.endsWith('.distcp') || file.name === 'model_index.json');
}

function isModelFolder(folder: TreeFolder): boolean {
  return folder.folders.length === 0 || folder.files.some((file) => modelTop.test(file.name));
}

/** True where the folder below is a model of its own rather than a part of the one around it. */
function standsAlone(folder: TreeFolder): boolean {
  return (holdsModel(folder) && folder.files.some((file) => file.name === 'config.json')) || folder.folders.some(standsAlone);
}

/** A folder of parts (diffusers) has its parts below, each with a configuration. */
function hasParts(folder: TreeFolder): boolean {
  return folder.files.some((file) => file.name === 'model_index.json');
}

function recognise({ folder, whole }: Question): Promise<Recognised | undefined> {
  if (!holdsModel(folder)) return Promise.resolve(undefined);
  const claimed = folder.folders.length < whole.folders.length || folder.files.length < whole.files.length;
  const apart = claimed || !isModelFolder(folder) || (!hasParts(folder) && folder.folders.some(standsAlone));
  const claim: Claim = { entry: whole, step: 0, stepFrom: 'mtime', ...(apart && { onlyFiles: folder.files }) };
  return Promise.resolve({ claims: [claim] });
}
