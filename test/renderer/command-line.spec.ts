import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveCommand, quoteWord, removeCommand, restoreCommand, verifyCommand } from '../../renderer/ui/command-line.ts';

describe('equal command lines', () => {
  it('say what the buttons do', () => {
    expect(archiveCommand({ paths: ['/runs/a b'], run: 'a b', steps: [200, 400] })).toBe(
      "cairn archive '/runs/a b' --run 'a b' --step 200 --step 400",
    );
    expect(verifyCommand({ snapshots: ['abc'], mode: 'structure' })).toBe('cairn verify abc --structure');
    expect(restoreCommand({ snapshot: 'abc', to: '/back', tensor: 'h.0.w', force: true })).toBe(
      'cairn restore abc --to /back --tensor h.0.w --force',
    );
    expect(removeCommand(['abc', 'def'])).toBe('cairn rm abc def');
  });

  it('a shell reads every word back as it was', () => {
    const hostile = ["it's", '$(touch /tmp/x)', '`id`', 'a;b', '*', '~', '', 'tab\there', 'new\nline', '"', '\\', '!x', '#x', '-x', 'π'];
    const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${hostile.map(quoteWord).join(' ')}`], { encoding: 'utf8' });
    expect(printed.split('\0').slice(0, -1)).toEqual(hostile);
  });

  it('nothing that a shell would read otherwise is left unquoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (word) => {
        const quoted = quoteWord(word);
        expect(/^[A-Za-z0-9_@%+=:,./-]+$/.test(quoted) || /^'[^']*'(\\''[^']*')*$/.test(quoted)).toBe(true);
      }),
    );
  });
});
