/** The command line that each job shows is one that a shell and the command line's own parser take back unchanged. */
import { execFileSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveParams, pruneParams, restoreParams, verifyParams } from '../../core/contract/methods.ts';
import { describeJob, shellWord } from '../../core/jobs/describe.ts';

/** The words as a POSIX shell splits them. */
function wordsOf(command: string): string[] {
  return execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

const path = '/runs/it\'s $HOME `x` "y"\nz';

describe('the command line of a job', () => {
  it('names what is archived, and leaves out what is the default', () => {
    const plain = describeJob('archive', archiveParams.parse({ paths: ['/runs/a'] }));
    expect(plain).toEqual({ title: 'Archive /runs/a', command: 'cairn archive /runs/a' });
    const full = describeJob(
      'archive',
      archiveParams.parse({ paths: [path, '/b'], run: 'my run', steps: [5, 10], method: 'lmc', threads: 3, keyframe: true }),
    );
    expect(wordsOf(full.command)).toEqual([
      'cairn',
      'archive',
      path,
      '/b',
      '--run',
      'my run',
      '--step',
      '5',
      '--step',
      '10',
      '--method',
      'lmc',
      '--threads',
      '3',
      '--keyframe',
    ]);
  });

  it('names what is verified, restored, removed and pruned', () => {
    expect(describeJob('verify', verifyParams.parse({}))).toEqual({ title: 'Verify the store (data)', command: 'cairn verify' });
    expect(
      wordsOf(describeJob('verify', verifyParams.parse({ snapshots: ['a b@1', 'c'], mode: 'structure', percent: 5 })).command),
    ).toEqual(['cairn', 'verify', 'a b@1', 'c', '--structure', '--percent', '5']);
    expect(
      wordsOf(
        describeJob('restore', restoreParams.parse({ snapshot: 'r@1', to: path, tensor: 'w*', tensorFormat: 'safetensors', force: true }))
          .command,
      ),
    ).toEqual(['cairn', 'restore', 'r@1', '--to', path, '--tensor', 'w*', '--format', 'safetensors', '--force']);
    expect(wordsOf(describeJob('restore', restoreParams.parse({ snapshot: 'r@1', to: '/x', files: '*.json' })).command)).toEqual([
      'cairn',
      'restore',
      'r@1',
      '--to',
      '/x',
      '--files',
      '*.json',
    ]);
    expect(describeJob('remove', { snapshots: ['a', 'b'] })).toEqual({ title: 'Remove 2 snapshots', command: 'cairn rm a b' });
    expect(describeJob('prune', pruneParams.parse({ dryRun: true })).command).toBe('cairn prune --dry-run');
    expect(describeJob('rebuild', {}).command).toBe('cairn rebuild');
  });

  it('quotes any word so that a shell gives it back', () => {
    // A shell can't be given a zero byte, and no path holds one.
    const words = fc.array(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(words, (list) => isDeepStrictEqual(wordsOf(list.map(shellWord).join(' ')), list)),
      { numRuns: 30 },
    );
  });
});
