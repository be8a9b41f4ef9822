/** The core on other processors than this one, and on Windows: what it stores is the same bytes there, and comes back. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCommand, installPackages } from '../../build/debian.ts';

const emulate = fileURLToPath(new URL('../../build/emulate.mjs', import.meta.url));
const needed = {
  'qemu-aarch64': 'qemu-user',
  'qemu-x86_64': 'qemu-user',
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
  'x86_64-w64-mingw32-g++-posix': 'g++-mingw-w64-x86-64-posix',
  '/usr/lib/wine/wine64': 'wine64',
};
/** What wine needs to be quiet, and a place of its own for its drives. */
const wineFolder = mkdtempSync(path.join(tmpdir(), 'cairn-wine-'));
const environment = { ...process.env, WINEPREFIX: path.join(wineFolder, 'prefix'), WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' };
afterAll(() => rmSync(wineFolder, { recursive: true, force: true }));

/** Lines of the driver: the implementations it met, then one a case. */
function linesOn(target: string, largest: number): { implementations: string; cases: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [emulate, target, String(largest)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: environment,
  });
  if (status !== 0) throw new Error(`${target}: ${stderr}`);
  const [implementations, ...cases] = stdout.trimEnd().split(/\r?\n/);
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
    { target: 'windows', largest: 20_000, implementations: undefined },
  ])(
    '$target stores the same bytes and gives them back',
    ({ target, largest, implementations }) => {
      const there = linesOn(target, largest);
      expect(there.implementations).toBe(implementations ?? linesOn('host', 1).implementations);
      expect(there.cases.length).toBeGreaterThan(600);
      expect(there.cases).toEqual(linesOn('host', largest).cases);
    },
    600_000,
  );

  /** Does to files of a folder what files.cc does, and says what came of it. */
  function filesOn(
    target: string,
    place: string,
    toSystem: (file: string) => string,
  ): { lines: string[]; bytes: string[]; times: bigint[] } {
    const deep = path.join(place, ...Array.from({ length: 30 }, (_, index) => `a folder ${index}`));
    mkdirSync(deep, { recursive: true });
    const files = [path.join(place, 'plain'), path.join(place, 'Gewichte-ü-重み'), path.join(deep, 'deep')];
    expect(files[2]!.length).toBeGreaterThan(300);
    for (const file of files) writeFileSync(file, 'abcdefghijklmnop');
    const input = [...files, path.join(place, 'not there')].map((file) => `${toSystem(file)}\n`).join('');
    const { status, stdout, stderr } = spawnSync(process.execPath, [emulate, target, '--files'], {
      encoding: 'utf8',
      env: environment,
      input,
    });
    if (status !== 0) throw new Error(`${target}: ${stderr}`);
    return {
      lines: stdout.trimEnd().split(/\r?\n/),
      bytes: files.map((file) => readFileSync(file, 'utf8')),
      times: files.map((file) => statSync(file, { bigint: true }).mtimeNs),
    };
  }

  it('on Windows files are read, written and timed as here, long paths and any letters included', () => {
    const host = filesOn('host', path.join(wineFolder, 'host'), (file) => file);
    expect(host.bytes).toEqual(Array(3).fill('abCAIRNhijklmnop'));
    expect(host.times).toEqual(Array(3).fill(1_500_000_000_123_456_700n));
    expect(host.lines.filter((line) => line.endsWith(': changed'))).toHaveLength(3);
    expect(host.lines.filter((line) => line.endsWith(': not_found'))).toHaveLength(7);
    expect(filesOn('windows', path.join(wineFolder, 'windows'), (file) => `Z:${file.replaceAll('/', '\\')}`)).toEqual(host);
  }, 600_000);
});
