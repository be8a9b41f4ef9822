/** A model by itself: a folder (or one file) without numbers is one checkpoint at step 0. */
import type { TreeFolder } from '../folder-tree.ts';
import { isWeightsFile } from './file-kinds.ts';
import type { Claim, Question, Recogniser, Recognised } from './recogniser.ts';

export const singleModel: Recogniser = { name: 'single', recognise };

function holdsModel(folder: TreeFolder): boolean {
  return folder.files.some((file) => isWeightsFile(file.name) || file.name.endsWith('.distcp'));
}

/** True where the folder below is a model of its own rather than a part of the one around it. */
function standsAlone(folder: TreeFolder): boolean {
  return (holdsModel(folder) && folder.files.some((file) => file.name === 'config.json')) || folder.folders.some(standsAlone);
}

function recognise({ folder, whole }: Question): Promise<Recognised | undefined> {
  if (!holdsModel(folder)) return Promise.resolve(undefined);
  const shared =
    folder.folders.length < whole.folders.length || folder.files.length < whole.files.length || folder.folders.some(standsAlone);
  const claim: Claim = { entry: whole, step: 0, stepFrom: 'mtime', ...(shared && { onlyFiles: folder.files }) };
  return Promise.resolve({ claims: [claim] });
}
