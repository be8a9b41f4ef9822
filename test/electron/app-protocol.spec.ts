import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answer, fileNameOf, isOwnAddress } from '../../electron/app-protocol.ts';

let place: string;
let folder: string;

beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'cairn-protocol-'));
  folder = path.join(place, 'renderer');
  await mkdir(path.join(folder, 'assets'), { recursive: true });
  await writeFile(path.join(place, 'secret.txt'), 'secret');
  await writeFile(path.join(folder, 'index.html'), '<h1>page</h1>');
  await writeFile(path.join(folder, 'assets', 'index-1a2b.js'), 'export {};');
  await symlink(path.join(place, 'secret.txt'), path.join(folder, 'link.txt'));
});
afterAll(() => rm(place, { recursive: true }));

const get = (url: string, method = 'GET') => answer(folder, { url, method });

test('files of the folder are answered with their type and the headers that confine them', async () => {
  for (const url of ['cairn-app://app/', 'cairn-app://app/index.html', 'cairn-app://app/index.html?a#/run/x']) {
    const response = await get(url);
    expect([response.status, await response.text()]).toEqual([200, '<h1>page</h1>']);
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
  }
  const response = await get('cairn-app://app/assets/index-1a2b.js');
  expect(response.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  const policy = response.headers.get('Content-Security-Policy');
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});

test.each([
  'cairn-app://app/../secret.txt',
  'cairn-app://app/%2e%2e/secret.txt',
  'cairn-app://app/..%2fsecret.txt',
  'cairn-app://app/assets/..%5c..%5csecret.txt',
  'cairn-app://app//etc/passwd',
  'cairn-app://app/assets',
  'cairn-app://app/assets/',
  'cairn-app://app/link.txt',
  'cairn-app://app/.hidden',
  'cairn-app://app/index.html%00.js',
  'cairn-app://other/index.html',
  'cairn-app://app:80/index.html',
  'https://app/index.html',
  'file:///etc/passwd',
  'not an address',
])('%s is answered 404', async (url) => {
  const response = await get(url);
  expect(response.status).toBe(404);
  expect(await response.text()).not.toContain('secret');
});

test('only GET is answered', async () => {
  expect((await get('cairn-app://app/index.html', 'POST')).status).toBe(405);
});

test('whatever an address holds, the file that it names lies in the folder', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('..', '.', '%2e%2e', '\\', '%5c', '%2f', '\0', 'a', 'C:'));
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const name = fileNameOf(`cairn-app://app/${parts.join('/')}`);
      if (name !== undefined) expect(path.resolve('/folder', name).startsWith('/folder/')).toBe(true);
    }),
  );
});

test.each(['cairn-app://app.evil/', 'cairn-app://evil@app.evil/', 'cairn-application://app/', 'https://app/', ''])(
  '%j is not our own',
  (address) => {
    expect(isOwnAddress(address)).toBe(false);
  },
);
