/** Bounded runs of both fuzzing engines over all native decoders and encoders; longer ones are recorded in core/native/fuzz/README.md. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findClang } from '../../build/clang.ts';

const script = fileURLToPath(new URL('../../build/fuzz.mjs', import.meta.url));
const fuzz = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

function hasClang(): boolean {
  try {
    return findClang() !== '';
  } catch {
    return false;
  }
}

// Visual Studio has no such sanitizers; the codecs are the same sources there.
describe.runIf(process.platform !== 'win32')('under AddressSanitizer and UndefinedBehaviorSanitizer', () => {
  it('cases of the corpus and mutations neither crash a decoder nor set implementations apart', () => {
    const run = fuzz(['--executions', '20000', '--seed', '7']);
    expect(run.stderr).toBe('');
    expect(run.stdout.match(/^\d{3,} cases, nothing found$/gm)).toHaveLength(3);
    expect(run.stdout).toMatch(/^20000 executions, nothing found$/m);
    expect(run.status).toBe(0);
  }, 600_000);

  it.each(['decoders', 'implementations', 'choice'])(
    'libFuzzer finds nothing with the target %s, or says what it needs',
    (target) => {
      const run = fuzz(['--libfuzzer', target, '--executions', '3000', '--seed', '7']);
      const expected = hasClang()
        ? /^Done \d+ runs in \d+ second/m
        : /^[^\n]+: not found, and libFuzzer needs it; install [^\n]+\n$|^[^\n]+: can't link [^\n]+\n$/;
      expect(run.stderr).toMatch(expected);
      expect(run.status).toBe(hasClang() ? 0 : 1);
    },
    900_000,
  );

  it('a compiler that is missing is named in one line', () => {
    const run = fuzz(['--libfuzzer', 'decoders'], { CLANG: 'no-such-clang' });
    expect(run.stderr).toMatch(/^no-such-clang: not found, and libFuzzer needs it; install clang [^\n]+\n$/);
    expect(run.status).toBe(1);
  });
});
