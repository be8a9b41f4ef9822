import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cairnHome } from '../../core/catalogue/home.ts';
import { Settings } from '../../core/catalogue/settings.ts';

let home = '';
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), 'cairn-settings-')), 'home');
});
afterEach(() => rm(resolve(home, '..'), { recursive: true, force: true }));
const text = () => readFile(join(home, 'settings.json'), 'utf8');

describe('settings', () => {
  test('start empty without writing anything, and keep what is set', async () => {
    const settings = await Settings.open(home);
    expect(settings.sources).toEqual([]);
    await expect(readdir(home)).rejects.toThrow('ENOENT');
    const source = await settings.addSource('/runs', new Date(0));
    await settings.setPreferences({ theme: 'dark', threads: 2 });
    await settings.setPreferences({ theme: undefined });
    const again = await Settings.open(home);
    expect(again.sources).toEqual([{ id: source.id, path: resolve('/runs'), added: '1970-01-01T00:00:00.000Z' }]);
    expect(again.preferences).toEqual({ threads: 2 });
    expect(await readdir(home)).toEqual(['settings.json']);
  });

  test('a source is there once; its scans are noted; removing it takes it away', async () => {
    const settings = await Settings.open(home);
    const { id } = await settings.addSource('/runs');
    expect((await settings.addSource('/runs/')).id).toBe(id);
    await settings.noteScan(id, new Date(1000), 'permission denied');
    expect(settings.sources).toMatchObject([{ id, scanned: '1970-01-01T00:00:01.000Z', problem: 'permission denied' }]);
    await settings.noteScan(id, new Date(2000));
    expect(settings.sources[0]).not.toHaveProperty('problem');
    await settings.removeSource(id);
    expect(settings.sources).toEqual([]);
    await expect(settings.removeSource(id)).rejects.toMatchObject({ code: 'not_found' });
    await settings.addSource('/other');
    expect(settings.sources).toHaveLength(1);
  });

  test('members of a later version are kept', async () => {
    const settings = await Settings.open(home);
    const { id } = await settings.addSource('/runs');
    const file = JSON.parse(await text()) as { sources: Record<string, unknown>[] };
    file.sources[0]!['colour'] = 'red';
    await writeFile(join(home, 'settings.json'), JSON.stringify({ ...file, schedules: [{ every: 'hour' }] }));
    await settings.noteScan(id, new Date(0));
    expect(JSON.parse(await text())).toMatchObject({ schedules: [{ every: 'hour' }], sources: [{ id, colour: 'red' }] });
  });

  test('changes made at once, and by two processes, are all kept', async () => {
    const [one, two] = [await Settings.open(home), await Settings.open(home)];
    await Promise.all(Array.from({ length: 10 }, (_, at) => one.addSource(`/runs/${at}`)));
    await two.setPreferences({ quiet: true });
    expect((await Settings.open(home)).sources).toHaveLength(10);
    expect(two.sources).toHaveLength(10);
  });

  test.each(['', '{', '[]', '{"sources": 5}', '{"sources": [{"id": 1}]}', '{"version": 2}'])(
    'a file that holds %j is refused in one line and left alone',
    async (content) => {
      await (await Settings.open(home)).addSource('/runs');
      await writeFile(join(home, 'settings.json'), content);
      await expect(Settings.open(home)).rejects.toMatchObject({
        code: 'bad_input',
        message: expect.stringMatching(/^[^\n]*settings\.json[^\n]*$/) as string,
      });
      expect(await text()).toBe(content);
    },
  );
});

test('the home is $CAIRN_HOME, or where the platform keeps such things', () => {
  const at = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform) => cairnHome(env, platform, '/home/me');
  expect(at({ CAIRN_HOME: '/somewhere' }, 'linux')).toBe('/somewhere');
  expect(at({}, 'linux')).toBe('/home/me/.local/share/cairn');
  expect(at({ XDG_DATA_HOME: '/data' }, 'linux')).toBe('/data/cairn');
  expect(at({}, 'darwin')).toBe('/home/me/Library/Application Support/Cairn');
  expect(at({ APPDATA: '/roaming' }, 'win32')).toBe('/roaming/Cairn');
});
