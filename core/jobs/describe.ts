/** What people read of a job: its title, and the command line that does the same. */
import type { CheckedParamsOf } from '../contract/methods.ts';
import type { JobKind, Retention } from '../contract/model.ts';

export interface Told {
  title: string;
  command: string;
}

/** Parameters by kind of job, as its handler receives them. */
export interface JobParams {
  archive: CheckedParamsOf<'archive.start'>;
  verify: CheckedParamsOf<'verify.start'>;
  restore: CheckedParamsOf<'restore.start'>;
  remove: CheckedParamsOf<'remove.start'>;
  prune: CheckedParamsOf<'prune.start'>;
  repair: CheckedParamsOf<'repair.start'>;
  copy: CheckedParamsOf<'copy.start'>;
  rebuild: CheckedParamsOf<'rebuild.start'>;
}

/** A word as a POSIX shell takes it back unchanged. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, shellWord(String(value))];
}

function listed(names: string[], many: string): string {
  return names.length === 1 ? names[0]! : `${names.length} ${many}`;
}

function ruleWords({ keepLast, keepEvery, keepBest, keepDays, keepBytes, stateLast }: Retention): string[] {
  return [
    ...option('--keep-last', keepLast),
    ...option('--keep-every', keepEvery),
    ...option('--keep-best', keepBest),
    ...option('--keep-days', keepDays),
    ...option('--keep-bytes', keepBytes),
    ...option('--state-last', stateLast),
  ];
}

const tellers: { [K in JobKind]: (params: JobParams[K]) => [title: string, words: string[]] } = {
  archive: ({ paths, run, steps, method, threads, keyframe, maxDepth, verifyAfter, release, retention }) => [
    `Archive ${steps?.length === 1 ? `step ${steps[0]} of ` : ''}${run ?? listed(paths, 'folders')}`,
    [
      'archive',
      ...paths.map(shellWord),
      ...option('--run', run),
      ...(steps ?? []).flatMap((step) => option('--step', step)),
      ...(method === 'cairn' ? [] : ['--method', method]),
      ...option('--threads', threads),
      ...(keyframe ? ['--keyframe'] : []),
      ...option('--max-depth', maxDepth),
      ...(verifyAfter ? ['--verify'] : []),
      ...(release
        ? [
            '--release',
            ...option('--keep-newest', release.keepNewest),
            ...(release.placeholder ? ['--placeholder'] : []),
            ...(release.trash ? ['--trash'] : []),
          ]
        : []),
      ...ruleWords(retention ?? {}),
    ],
  ],
  verify: ({ snapshots, mode, percent, threads }) => [
    `Verify ${snapshots.length === 0 ? 'the store' : listed(snapshots, 'snapshots')} (${mode})`,
    [
      'verify',
      ...snapshots.map(shellWord),
      ...(mode === 'structure' ? ['--structure'] : []),
      ...(percent < 100 ? option('--percent', percent) : []),
      ...option('--threads', threads),
    ],
  ],
  restore: ({ snapshot, to, files, tensor, tensorFormat, force, threads }) => [
    `Restore ${tensor === undefined ? '' : `${tensor} of `}${snapshot} to ${to}`,
    [
      'restore',
      shellWord(snapshot),
      ...option('--to', to),
      ...option('--files', files),
      ...option('--tensor', tensor),
      ...(tensor !== undefined && tensorFormat !== 'npy' ? ['--format', tensorFormat] : []),
      ...(force ? ['--force'] : []),
      ...option('--threads', threads),
    ],
  ],
  remove: ({ snapshots }) => [`Remove ${listed(snapshots, 'snapshots')}`, ['rm', ...snapshots.map(shellWord)]],
  prune: ({ dryRun, run, graceSeconds, threads, ...rules }) => [
    dryRun ? 'See what pruning would free' : run === undefined ? 'Prune the store' : `Prune ${run}`,
    [
      'prune',
      ...option('--run', run),
      ...ruleWords(rules),
      ...option('--grace', graceSeconds),
      ...option('--threads', threads),
      ...(dryRun ? ['--dry-run'] : []),
    ],
  ],
  repair: ({ parity, threads }) => [
    'Repair the store',
    ['repair', ...(parity === undefined ? [] : [parity ? '--parity' : '--no-parity']), ...option('--threads', threads)],
  ],
  copy: ({ snapshots, all, to, threads }) => [
    `Copy ${all ? 'every snapshot' : listed(snapshots, 'snapshots')} to ${to}`,
    ['copy', ...(all ? ['--all'] : snapshots.map(shellWord)), ...option('--to', to), ...option('--threads', threads)],
  ],
  rebuild: () => ['Rebuild the catalogue', ['rebuild']],
};

/** Title and equal command line of a job. */
export function describeJob<K extends JobKind>(kind: K, params: JobParams[K]): Told {
  const [title, words] = tellers[kind](params);
  return { title, command: ['cairn', ...words].join(' ') };
}
