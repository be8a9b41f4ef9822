/** Says what loading a pickle in Python would run. Cairn runs nothing; the user should know all the same. */
import { quoted } from './refusals.ts';

const modules = new Set([
  'os',
  'posix',
  'nt',
  'subprocess',
  'sys',
  'shutil',
  'socket',
  'runpy',
  'importlib',
  'pty',
  'ctypes',
  'webbrowser',
  'commands',
  'code',
  'bdb',
  'pdb',
  'asyncio',
  'multiprocessing',
  'tempfile',
  'urllib',
  'requests',
  'http',
  'ftplib',
  'smtplib',
  'timeit',
  'pip',
  'builtins',
  '__builtin__',
]);

/** Harmless ones of `builtins`, which ordinary checkpoints hold. */
const harmless = new Set([
  'set',
  'frozenset',
  'dict',
  'list',
  'tuple',
  'int',
  'float',
  'complex',
  'bool',
  'str',
  'unicode',
  'bytes',
  'bytearray',
  'object',
  'range',
  'xrange',
  'slice',
  'type',
  'getattr',
  'print',
  'long',
]);

function isDangerous(global: string): boolean {
  const module = global.slice(0, Math.max(global.indexOf('.'), 0));
  if (!modules.has(module)) return false;
  const builtin = module === 'builtins' || module === '__builtin__';
  return !(builtin && harmless.has(global.slice(module.length + 1)));
}

/** One line about functions that a checkpoint has no reason to name; undefined where there is none. */
export function dangerNote(globals: readonly string[]): string | undefined {
  const dangerous = [...new Set(globals)].filter(isDangerous);
  if (dangerous.length === 0) return undefined;
  return `loading it in Python would bring in ${quoted(dangerous.slice(0, 3).join(', '))}: don't, unless you trust where it comes from; Cairn ran nothing`;
}
