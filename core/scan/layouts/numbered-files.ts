/**
 * Files that differ in a number: `checkpoint_epoch_350.pt`, `model_10.safetensors`. Each file is a checkpoint. Models
 * without a number beside them (`best.pt`) are checkpoints too, placed by their modification time.
 */
import type { TreeFile } from '../folder-tree.ts';
import { isWeightsFile, partOf } from './file-kinds.ts';
import { groupFamilies, hasDistinctSteps, type Family } from './families.ts';
import { isPiece, isTemporaryName } from './names.ts';
import type { Claim, Question, Recogniser, Recognised } from './recogniser.ts';

const modelExtension = /\.(safetensors|pt|pth|bin|ckpt|npz|h5|keras|msgpack|gguf|nemo)(?=$|\.)/i;

/** A file that may stand for a step: a model, or the optimizer's state beside one. */
function isCandidate(file: TreeFile): boolean {
  const part = partOf(file.name);
  return modelExtension.test(file.name) && !isPiece(file.name) && (part === 'weights' || part === 'optimizer');
}

function stepFamilies(files: TreeFile[]): Family<TreeFile>[] {
  const families = groupFamilies(files, true).filter(hasDistinctSteps);
  const sure = families.filter((family) => family.sure);
  // A number without a word may be a size or a version: it counts where most of the folder is this family.
  const guessed = families.filter((family) => !family.sure && family.members.length > 1 && family.members.length * 2 > files.length);
  return sure.some((family) => family.members.some(({ entry }) => isWeightsFile(entry.name))) ? [...sure, ...guessed] : guessed;
}

/** The step of the newest numbered file that is not newer. */
function stepByTime(file: TreeFile, numbered: Claim[]): number {
  const before = numbered.filter((claim) => (claim.entry as TreeFile).mtimeNs <= file.mtimeNs);
  return before.reduce((step, claim) => Math.max(step, claim.step), 0);
}

function recognise({ folder }: Question): Promise<Recognised | undefined> {
  const files = folder.files.filter((file) => isCandidate(file) && !isTemporaryName(file.name));
  const numbered = stepFamilies(files).flatMap((family) =>
    family.members.map(({ entry, step }): Claim => ({ entry, step, stepFrom: 'name' })),
  );
  if (numbered.length === 0) return Promise.resolve(undefined);
  const claimed = new Set<unknown>(numbered.map((claim) => claim.entry));
  const others = folder.files.filter((file) => isWeightsFile(file.name) && !claimed.has(file) && !isTemporaryName(file.name));
  const extra = others.map((entry): Claim => ({ entry, step: stepByTime(entry, numbered), stepFrom: 'mtime' }));
  return Promise.resolve({ claims: [...numbered, ...extra] });
}

export const numberedFiles: Recogniser = { name: 'numbered-files', recognise };
