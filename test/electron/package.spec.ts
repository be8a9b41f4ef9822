/**
 * What is shipped, as far as it can be made without Electron's runtime: the configuration fits electron-builder's schema, the archive
 * holds the application and nothing else, the addon loads from the layout, and the command line works from it.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import configuration from '../../build/electron-builder.ts';
import { runtimePackages } from '../../build/dependencies.ts';
import { electronRuntime } from '../../build/runtime.ts';
import { linkScheme } from '../../electron/link.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

describe('npm run package', () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await promisify(execFile)(process.execPath, ['build/package.ts', ...(electronRuntime() ? ['--check'] : [])], {
      cwd: root,
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (thrown: Ended) => thrown,
    );
  }, 240_000);

  it('checks everything that needs no runtime, and without one ends with a line that names it', () => {
    expect(ended.stdout).toMatch(/checked: \d+ files in the archive, \d+\.\d MiB without Electron; addon and command line work from there/);
    if (electronRuntime()) expect(ended.code).toBe(0);
    else {
      expect(ended.code).toBe(1);
      expect(ended.stderr.trim().split('\n').at(-1)).toMatch(/^Electron's runtime is not installed, .* npx electron/);
    }
  });

  it('packs bundles and run-time packages only', () => {
    const files = read('dist/packages/files.txt').trim().split('\n');
    expect(files).toEqual(files.toSorted());
    const packages = files.flatMap((name) => /^\/node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(name)?.[1] ?? []);
    expect(packages.sort()).toEqual(runtimePackages(root).map(({ name }) => name));
    const places = new Set(files.map((name) => name.split('/')[1]));
    expect([...places].sort()).toEqual(['LICENSE', 'dist', 'node_modules', 'package.json']);
    expect(existsSync(path.join(root, 'dist/packages/layout/linux-unpacked/resources/app.asar.unpacked/dist/cairn.node'))).toBe(true);
  });

  it('gathers the licence of everything it ships', () => {
    const text = read('dist/licences.txt');
    for (const { name, version, licence } of runtimePackages(root)) {
      expect(text).toContain(`${name} ${version} (${licence})`);
      expect(licence).toMatch(/^(MIT|ISC|Apache-2\.0|BSD-\d-Clause)$/);
    }
  });
});

describe('the configuration of packages', () => {
  it('turns off every way around the archive and into Node', () => {
    expect(configuration.electronFuses).toEqual({
      ...{ runAsNode: false, enableNodeOptionsEnvironmentVariable: false, enableNodeCliInspectArguments: false },
      ...{ enableCookieEncryption: true, enableEmbeddedAsarIntegrityValidation: true, onlyLoadAppFromAsar: true },
      ...{ loadBrowserProcessSpecificV8Snapshot: false, grantFileProtocolExtraPrivileges: false },
    });
  });

  it('is asked for links and for the files of stores, on Linux by their type', () => {
    expect(configuration.protocols).toMatchObject([{ schemes: [linkScheme] }]);
    expect(configuration.fileAssociations).toMatchObject([{ ext: 'cairn', mimeType: 'application/x-cairn-store' }]);
  });

  it('is for three systems, and looks for no updates', () => {
    expect(configuration.linux?.target).toEqual(['AppImage', 'deb', 'rpm']);
    expect(configuration.mac?.target).toEqual(['dmg', 'zip'].map((target) => ({ target, arch: ['x64', 'arm64'] })));
    expect(configuration.mac).toMatchObject({ hardenedRuntime: true, entitlements: 'build/resources/entitlements.mac.plist' });
    expect(configuration.win?.target).toEqual(['nsis']);
    expect(configuration.publish).toBeNull();
  });
});
