/**
 * Lightning: `epoch=1-step=200.ckpt` and `last.ckpt`, files or (FSDP, DeepSpeed) folders; a name that is taken gets
 * `-v1`. Rules: reference of layouts, point 6.
 */
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import { filesBelow, isFolder, newestMtime, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';

const numberedName = /(?:^|[-_])(?<word>epoch|step|global_step)=(?<number>\d{1,15})(?!\.\d*[1-9])/g;
const hpcName = /^hpc_ckpt_(?<number>\d{1,15})\.ckpt$/;
const lastName = /^last(-v\d+)?\.ckpt$/;

/** The step in a name, else its epoch. */
function stepOf(name: string): number | undefined {
  const numbers = new Map([...name.matchAll(numberedName)].map(({ groups }) => [groups?.['word'], Number(groups?.['number'])]));
  const hpc = hpcName.exec(name)?.groups?.['number'];
  return numbers.get('step') ?? numbers.get('global_step') ?? numbers.get('epoch') ?? (hpc === undefined ? undefined : Number(hpc));
}

function isCheckpointName(name: string): boolean {
  return name.endsWith('.ckpt') && (stepOf(name) !== undefined || lastName.test(name));
}

function markOf(entry: TreeFolder | TreeFile): Pick<Claim, 'unfinished' | 'marked'> {
  if (!isFolder(entry)) return {};
  const files = filesBelow(entry);
  const distributed = files.some((file) => file.name.endsWith('.distcp'));
  if (distributed && !entry.files.some((file) => file.name === 'meta.pt')) {
    return { unfinished: 'meta.pt is missing, which Lightning writes last: the save did not finish; remove it or save again' };
  }
  return distributed ? { marked: true } : {};
}

/** `last.ckpt` has no number: it stands at the newest step that is not newer. */
function claim(entry: TreeFolder | TreeFile, numbered: readonly { step: number; time: bigint }[]): Claim {
  const step = stepOf(entry.name);
  if (step !== undefined) return { entry, step, stepFrom: 'name', ...markOf(entry) };
  const time = newestMtime(entry);
  const before = numbered.filter((other) => other.time <= time).map((other) => other.step);
  return { entry, step: Math.max(0, ...before), stepFrom: 'mtime', ...markOf(entry) };
}

function recognise({ folder }: Question): Promise<Recognised | undefined> {
  const entries = [...folder.folders, ...folder.files].filter((entry) => isCheckpointName(entry.name));
  if (entries.length === 0) return Promise.resolve(undefined);
  const numbered = entries.flatMap((entry) => {
    const step = stepOf(entry.name);
    return step === undefined ? [] : [{ step, time: newestMtime(entry) }];
  });
  return Promise.resolve({ claims: entries.map((entry) => claim(entry, numbered)) });
}

export const lightning: Recogniser = { name: 'lightning', recognise };
