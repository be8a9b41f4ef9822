/** A bounded run of the fuzz driver over all native decoders and encoders; longer ones are recorded in core/native/fuzz/README.md. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const fuzz = fileURLToPath(new URL('../../build/fuzz.mjs', import.meta.url));

// Visual Studio has no such sanitizers; the codecs are the same sources there.
describe.runIf(process.platform !== 'win32')('mutations of stored blocks', () => {
  it('neither crash a decoder nor set implementations apart, under AddressSanitizer and UndefinedBehaviorSanitizer', () => {
    const run = spawnSync(process.execPath, [fuzz, '--executions', '20000', '--seed', '7'], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/^20000 executions, nothing found$/m);
    expect(run.status).toBe(0);
  }, 600_000);
});
