/** What names say: numbers in them, families of names that differ only in numbers, and marks of unfinished files. */

/** Natural order: runs of digits compare as numbers, so that `step-900` comes before `step-1000`. */
export const naturalOrder: (a: string, b: string) => number = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' }).compare;

/** A name that stands at a position of a family. */
export interface NumberedName {
  step: number;
  /** Equal for names that differ only in their numbers. */
  family: string;
  /** True where a word such as `step`, or the lack of any other, says that the number is a position: one name alone is a family. */
  sure: boolean;
}

/** Words before (or after) a step, the most telling first. */
const stepWords = [
  'step',
  'steps',
  'iteration',
  'iter',
  'it',
  'update',
  'updates',
  'checkpoint',
  'ckpt',
  'chkpt',
  'snapshot',
  'save',
  'epoch',
  'ep',
  'batch',
];

const wordPatterns = stepWords.flatMap((word) => [
  new RegExp(`(?<![a-z])${word}[-_=. ]*(?<number>\\d+)(?<unit>k?)(?![a-z\\d])`, 'i'),
  new RegExp(`(?<![a-z\\d.])(?<number>\\d+)(?<unit>k?)[-_ ]?${word}(?![a-z\\d])`, 'i'),
]);
const leadingNumber = /^(?<number>\d+)(?=$|[-_.])/;
const lastNumber = /^.*?(?<!\d)(?<number>\d+)(?![a-z\d])(?!.*(?<!\d)\d+(?![a-z\d]))/i;

/** Reads the step from a name without extension; undefined where there is none, or none that a number can hold. */
export function readNumberedName(name: string): NumberedName | undefined {
  for (const pattern of wordPatterns) {
    const found = numbered(pattern.exec(name), familyOf(name), true);
    if (found) return found;
  }
  return (
    numbered(leadingNumber.exec(name), familyAfterNumber(name), /^\d+$/.test(name)) ??
    numbered(lastNumber.exec(name), familyOf(name), false)
  );
}

function numbered(match: RegExpExecArray | null, family: string, sure: boolean): NumberedName | undefined {
  if (match?.groups?.['number'] === undefined) return undefined;
  const step = Number(match.groups['number']) * (match.groups['unit'] ? 1000 : 1);
  return Number.isSafeInteger(step) ? { step, family, sure } : undefined;
}

/** Hashes become `@` and numbers `#`. */
export function familyOf(name: string): string {
  return name
    .replace(/(?<![a-z\d])(?=[a-f]*\d)[\da-f]{7,40}(?![a-z\d])/gi, (text) => (/[a-f]/i.test(text) ? '@' : text))
    .replace(/\d+/g, '#');
}

/** Names led by a number are one family whatever date, hash or remark follows. */
function familyAfterNumber(name: string): string {
  return /^\d+$/.test(name) ? '#' : '#…';
}

/** Folders that only say that checkpoints are in them; the run's name is above. */
const plainFolder = /^(checkpoints?|ckpts?|lightning_logs)$/i;
const versionFolder = /^version_\d+$/;

/** The name of the run whose checkpoints are in the folder at `path`: `ft-07` for `/runs/ft-07/checkpoints`. */
export function runName(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '');
  const own = parts.findLastIndex((part) => !plainFolder.test(part));
  const name = parts[own] ?? parts.at(-1) ?? path;
  if (own < 1 || !versionFolder.test(name)) return name;
  return `${runName(parts.slice(0, own).join('/'))}/${name}`;
}

const pieceName = /(-\d+-of-\d+|rank|shard|consolidated|layer[-_]?\d|expert|(^|[-_])tp[-_]?\d|(^|[-_])pp[-_]?\d|\.distcp$)/i;

/** True where numbers in a file's name count pieces of one checkpoint, not steps. */
export function isPiece(name: string): boolean {
  return pieceName.test(name);
}

/** Marks that trainers and tools give to what they have not finished. */
const temporaryName =
  /(^tmp[-_.]|^temp[-_.]|\.tmp$|\.temp$|\.part$|\.partial$|\.incomplete$|\.download$|\.crdownload$|\.orbax-checkpoint-tmp|\.tmp[-_.][\w-]+$|^\.~|^\.tmp|[-.]tmp$|~$)/i;

export function isTemporaryName(name: string): boolean {
  return temporaryName.test(name);
}
