import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { foldersOf, parseLaunch } from '../../electron/launch.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-launch-'));
const file = path.join(folder, 'file');
writeFileSync(file, '');
afterAll(() => rmSync(folder, { recursive: true }));

test('without words the profile is the platform’s and the service takes its own defaults', () => {
  expect(parseLaunch([], '/', '/state', {})).toEqual({ folders: [], serviceArgs: [], profile: '/state/Cairn/desktop' });
});

test('home and store go to the service as absolute paths, and each home has its own profile', () => {
  const launch = parseLaunch(['--home', 'h', '--store=s'], '/somewhere', '/state', {});
  expect(launch).toEqual({
    folders: [],
    serviceArgs: ['--home', '/somewhere/h', '--store', '/somewhere/s'],
    profile: '/somewhere/h/desktop',
  });
  expect(parseLaunch([], '/', '/state', { CAIRN_HOME: '/env' }).profile).toBe('/env/desktop');
});

test('folders that exist are taken, relative to where the words were typed; switches of others are passed over', () => {
  const words = ['--no-sandbox', '--enable-features=x', path.basename(folder), file, '/not/there'];
  expect(parseLaunch(words, path.dirname(folder), '/state', {}).folders).toEqual([folder]);
});

test('of what a second start hands over only absolute folders that exist are believed', () => {
  expect(foldersOf({ folders: [folder, file, '/not/there'] })).toEqual([folder]);
  for (const hostile of [
    undefined,
    null,
    [],
    { folders: [path.relative('/', folder)] },
    { folders: Array(101).fill(folder) },
    { folders: [{}] },
  ]) {
    expect(foldersOf(hostile)).toEqual([]);
  }
});
