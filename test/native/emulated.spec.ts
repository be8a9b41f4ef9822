/** The core on other processors than this one: what it stores is the same bytes there, and comes back. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, installPackages } from '../../build/debian.ts';

const emulate = fileURLToPath(new URL('../../build/emulate.mjs', import.meta.url));
const needed = { 'qemu-aarch64': 'qemu-user', 'qemu-x86_64': 'qemu-user', 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu' };

/** Lines of the driver: the implementations it met, then one a case. */
function linesOn(target: string, largest: number): { implementations: string; cases: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [emulate, target, String(largest)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`${target}: ${stderr}`);
  const [implementations, ...cases] = stdout.trimEnd().split('\n');
  return { implementations: implementations!, cases };
}

// Emulators of programs are there on Linux alone, and what they emulate elsewhere is what runs natively there.
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('on another processor', () => {
  beforeAll(() => {
    const missing = (): string[] => Object.entries(needed).flatMap(([command, name]) => (hasCommand(command) ? [] : [name]));
    if (missing().length > 0) installPackages(missing());
    if (missing().length > 0) throw new Error(`these tests need ${missing().join(', ')}: install them (apt-get install)`);
  }, 900_000);

  it.each([
    { target: 'arm64', largest: 140_000, implementations: 'implementations: scalar neon' },
    { target: 'haswell', largest: 20_000, implementations: 'implementations: scalar avx2' },
    { target: 'nehalem', largest: 140_000, implementations: 'implementations: scalar' },
  ])(
    '$target stores the same bytes and gives them back',
    ({ target, largest, implementations }) => {
      const there = linesOn(target, largest);
      expect(there.implementations).toBe(implementations);
      expect(there.cases.length).toBeGreaterThan(600);
      expect(there.cases).toEqual(linesOn('host', largest).cases);
    },
    600_000,
  );
});
