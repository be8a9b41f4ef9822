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

/** Signs of a project or a collection: what lies below its top is no part of a model that happens to lie there. */
const projectFile = /(\.py|\.ipynb|^package\.json|^pyproject\.toml|^requirements.*\.txt|^Makefile)$/;
const projectFolder = /^(\.git|src|lib|data|datasets?|scripts|configs?|tests?|notebooks|logs|wandb|node_modules|__pycache__|\.venv)$/;

function isModelFolder({ files, folders }: TreeFolder): boolean {
  if (files.some((file) => modelTop.test(file.name))) return true;
  const isProject = files.some((file) => projectFile.test(file.name)) || folders.some((child) => projectFolder.test(child.name));
  return !isProject && folders.filter(holdsModel).length < 2;
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
