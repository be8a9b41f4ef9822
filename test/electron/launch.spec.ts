import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parseLaunch, requestOf, serviceArgs, storeOf } from '../../electron/launch.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'cairn-launch-'));
const file = path.join(folder, 'file');
const store = path.join(folder, 'store');
const opened = path.join(store, 'open.cairn');
writeFileSync(file, '');
mkdirSync(store);
for (const name of ['cairn.json', 'open.cairn']) writeFileSync(path.join(store, name), '');
afterAll(() => rmSync(folder, { recursive: true }));

test('without words the profile is the platform’s and the service takes its own defaults', () => {
  const launch = parseLaunch([], '/', '/state', {});
  expect(launch).toEqual({
    folders: [],
    place: undefined,
    store: undefined,
    opened: undefined,
    hidden: false,
    home: undefined,
    profile: '/state/Cairn/desktop',
  });
  expect(serviceArgs(launch)).toEqual([]);
});

test('home and store go to the service as absolute paths, and each home has its own profile', () => {
  const launch = parseLaunch(['--home', 'h', '--store=s'], '/somewhere', '/state', {});
  expect(serviceArgs(launch)).toEqual(['--home', '/somewhere/h', '--store', '/somewhere/s']);
  expect(launch.profile).toBe('/somewhere/h/desktop');
  expect(parseLaunch([], '/', '/state', { CAIRN_HOME: '/env' }).profile).toBe('/env/desktop');
});

test('folders that exist are taken, relative to where the words were typed; switches of others are passed over', () => {
  const words = ['--no-sandbox', '--enable-features=x', path.basename(folder), file, '/not/there'];
  expect(parseLaunch(words, path.dirname(folder), '/state', {}).folders).toEqual([folder]);
});

test('files and folders are taken as addresses too, as Linux passes them; those of other machines are not', () => {
  const launch = parseLaunch([pathToFileURL(folder).href, pathToFileURL(opened).href], '/', '/state', {});
  expect([launch.folders, launch.opened]).toEqual([[folder], store]);
  const hostile = [`file://elsewhere${folder}`, `file:${folder}`, 'file:///%2F', 'file:///%00', 'file:///%zz'];
  expect(parseLaunch(hostile, '/', '/state', {})).toMatchObject({ folders: [], opened: undefined });
});

test('after the mark that ends switches, as links are passed on Windows, nothing is a switch', () => {
  const words = ['--', 'cairn://run/0123456789abcdef', '--store=/theirs', '--home', '/theirs'];
  expect(parseLaunch(words, '/', '/state', {})).toMatchObject({
    place: '#/run/0123456789abcdef',
    store: undefined,
    home: undefined,
    profile: '/state/Cairn/desktop',
  });
});

test('a link leads to its place, and the file of a store stands for a store to be asked for, not for the one to begin with', () => {
  const launch = parseLaunch(['cairn://run/0123456789abcdef', opened], '/', '/state', {});
  expect([launch.place, launch.opened, launch.folders]).toEqual(['#/run/0123456789abcdef', store, []]);
  expect(serviceArgs(launch)).toEqual([]);
  expect(parseLaunch(['--store', '/other', opened], '/', '/state', {})).toMatchObject({ store: '/other', opened: store });
  expect([storeOf(file), storeOf(path.join(folder, 'open.cairn'))]).toEqual([undefined, undefined]);
});

test('of what a second start hands over only absolute folders that exist, plain places and real stores are believed', () => {
  expect(requestOf({ folders: [folder, file, '/not/there'], place: '#/jobs', store })).toEqual({
    folders: [folder],
    place: '#/jobs',
    store,
  });
  for (const hostile of [
    undefined,
    null,
    [],
    { folders: [path.relative('/', folder)] },
    { folders: Array(101).fill(folder) },
    { folders: [{}] },
    { folders: [`${folder}\0`] },
    { folders: [], store: `${store}\0` },
    { folders: [], place: '#/run/../../etc' },
    { folders: [], place: 'javascript:alert(1)' },
    { folders: [], store: 'relative' },
    { folders: [], store: folder },
  ]) {
    expect(requestOf(hostile)).toEqual({ folders: [], place: undefined, store: undefined });
  }
});
