/**
 * The command line that does what a button does, quoted for a POSIX shell so that it can be pasted as it is.
 */
import type { ParamsOf } from '../../core/contract/methods.ts';

/** Quotes a word where the shell would read it otherwise. */
export function quoteWord(word: string): string {
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

const line = (words: (string | undefined)[]): string =>
  words
    .filter((word) => word !== undefined)
    .map(quoteWord)
    .join(' ');

export function archiveCommand(params: ParamsOf<'archive.start'>, options: { dryRun?: boolean } = {}): string {
  const steps = (params.steps ?? []).flatMap((step) => ['--step', String(step)]);
  const run = params.run === undefined ? [] : ['--run', params.run];
  return line(['cairn', 'archive', ...params.paths, ...run, ...steps, options.dryRun ? '--dry-run' : undefined]);
}

export function verifyCommand(params: ParamsOf<'verify.start'>): string {
  return line(['cairn', 'verify', ...(params.snapshots ?? []), params.mode === 'structure' ? '--structure' : undefined]);
}

export function restoreCommand(params: ParamsOf<'restore.start'>): string {
  const tensor = params.tensor === undefined ? [] : ['--tensor', params.tensor];
  const files = params.files === undefined ? [] : ['--files', params.files];
  return line(['cairn', 'restore', params.snapshot, '--to', params.to, ...files, ...tensor, params.force ? '--force' : undefined]);
}

export const analyseCommand = (run: string, full: boolean): string => line(['cairn', 'analyse', run, full ? '--full' : undefined]);

export const diffCommand = (a: string, b: string): string => line(['cairn', 'diff', a, b]);

const ruleOptions = {
  keepLast: '--keep-last',
  keepEvery: '--keep-every',
  keepBest: '--keep-best',
  keepDays: '--keep-days',
  keepBytes: '--keep-bytes',
  stateLast: '--state-last',
} as const;

export function pruneCommand({ run, dryRun, ...rules }: ParamsOf<'prune.start'>): string {
  const given = Object.entries(ruleOptions).flatMap(([rule, option]) => {
    const value = rules[rule as keyof typeof ruleOptions];
    return value === undefined ? [] : [option, String(value)];
  });
  return line(['cairn', 'prune', ...(run === undefined ? [] : ['--run', run]), ...given, dryRun ? '--dry-run' : undefined]);
}

export const removeCommand = (snapshots: readonly string[]): string => line(['cairn', 'rm', ...snapshots]);
