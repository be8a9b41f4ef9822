/** What the restore dialog says. */
import { formatCount } from '../figures.ts';
import { count } from './count.ts';

export const restore = {
  title: (run: string, step: number) => `Restore ${run} @ ${formatCount(step)}`,
  what: 'What',
  all: 'Whole checkpoint',
  some: 'Some files',
  one: 'One tensor',
  files: 'Files (a pattern, such as *.safetensors)',
  where: 'Where',
  elsewhere: 'In another folder',
  inPlace: 'Where it came from',
  inPlaceHint: (place: string) => `Into ${place}, as it was. What was released comes back there.`,
  tensor: 'Tensor name',
  format: 'As',
  target: 'Target folder',
  choose: 'Choose…',
  chooseTitle: 'Choose a folder to restore into',
  targetHint: 'An absolute path on the machine the service runs on. It is created if it is not there.',
  writes: (files: number, size: string) => `Writes ${count(files, 'file')}, ${size}, exactly as archived: names, modes and times.`,
  writesTensor: (name: string, format: string) => `Writes ${name} as one .${format} file.`,
  looking: 'Looking at what is there…',
  room: (needed: string, free: string) => `Needs ${needed}; ${free} are free there.`,
  lacksRoom: (missing: string) => `${missing} are missing.`,
  exists: (n: number) => `${count(n, 'file')} of these names ${n === 1 ? 'is' : 'are'} there already and would be replaced:`,
  others: (n: number) => `and ${formatCount(n)} more`,
  overwrite: 'Overwrite existing files',
  overwriteAgain: 'Overwrite…',
  start: 'Restore',
  overwriteStart: 'Overwrite and restore',
};
