/**
 * `npm run package`: the application's packages for this system, in dist/packages.
 *
 * Everything that can be checked without Electron's runtime comes first: the configuration, the list of files, and the very layout
 * that is shipped, from which the addon is loaded and the command line archives and restores a small chain. Where the runtime is
 * missing it then stops with one line and exit code 1.
 *
 *   node build/package.ts [--check]      --check: only what needs no runtime; exit code 0
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listPackage } from '@electron/asar';
import { build, Platform } from 'electron-builder';
import { licencesText, runtimePackages, type RuntimePackage } from './dependencies.ts';
import configuration from './electron-builder.ts';
import { electronRuntime } from './runtime.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const require = createRequire(import.meta.url);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** dist/command-line: the bundles and the packages they need, as plain files. */
function assembleCommandLine(packages: readonly RuntimePackage[]): void {
  const folder = path.join(dist, 'command-line');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'dist'), { recursive: true });
  for (const name of readdirSync(dist)) if (/\.(js|node)$/.test(name)) cpSync(path.join(dist, name), path.join(folder, 'dist', name));
  cpSync(path.join(dist, 'renderer'), path.join(folder, 'dist', 'renderer'), { recursive: true });
  cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  for (const { folder: from } of packages) {
    const isShipped = (file: string): boolean =>
      !/\.(md|map|ts|mts|cts)$/.test(file) && !/[\\/](test|docs|benchmark|node_modules[\\/].*[\\/]node_modules)[\\/]?$/.test(file);
    cpSync(from, path.join(folder, path.relative(root, from)), { recursive: true, filter: isShipped, dereference: true });
  }
}

/** A folder that electron-builder takes for Electron's runtime, so that everything around it can be made and looked at. */
function standInRuntime(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'cairn-runtime-'));
  for (const name of ['resources', 'locales']) mkdirSync(path.join(folder, name));
  writeFileSync(path.join(folder, 'version'), (require('electron/package.json') as { version: string }).version);
  writeFileSync(path.join(folder, 'electron'), '#!/bin/sh\nexit 1\n');
  chmodSync(path.join(folder, 'electron'), 0o755);
  return folder;
}

/** The shipped layout with a stand-in for the runtime. @returns its resources folder */
async function layOut(): Promise<string> {
  const electronDist = standInRuntime();
  const output = path.join(dist, 'packages', 'layout');
  rmSync(output, { recursive: true, force: true });
  try {
    const { electronFuses: _ofARealRuntime, ...rest } = configuration;
    const config = { ...rest, electronDist, directories: { ...configuration.directories, output } };
    await build({ targets: Platform.LINUX.createTarget('dir'), config, projectDir: root, publish: 'never' });
  } finally {
    rmSync(electronDist, { recursive: true });
  }
  return path.join(
    output,
    readdirSync(output).find((name) => name.endsWith('unpacked'))!,
    'resources',
  );
}

/** What is in the archive, in order, without hashes in names: the same for every build of the same sources. */
const filesOf = (resources: string): string[] =>
  listPackage(path.join(resources, 'app.asar'), { isPack: false })
    .map((name) =>
      name
        .split(path.sep)
        .join('/')
        .replace(/-[\w-]{8}\.(js|css|woff2)$/, '-*.$1'),
    )
    .sort();

function checkFiles(resources: string): string[] {
  const files = filesOf(resources);
  for (const needed of [
    '/dist/main.js',
    '/dist/preload.cjs',
    '/dist/service-process.js',
    '/dist/task.js',
    '/dist/renderer/index.html',
    '/dist/licences.txt',
  ])
    if (!files.includes(needed)) throw new Error(`${needed} is missing from the package`);
  const strange = files.find(
    (name) => /\.(ts|svelte|cc|h|spec\.js|map)$/.test(name) || /^\/(test|core|renderer|electron|build)(\/|$)/.test(name),
  );
  if (strange) throw new Error(`${strange} does not belong into the package`);
  return files;
}

/** Loads the addon and archives with the command line, both from where they are shipped. */
function checkProgram(resources: string): void {
  const addon = path.join(resources, 'app.asar.unpacked', 'dist', 'cairn.node');
  if (typeof (require(addon) as { encode?: unknown }).encode !== 'function') throw new Error(`${addon}: it is no addon of Cairn`);
  const work = mkdtempSync(path.join(tmpdir(), 'cairn-package-'));
  const cairn = (...args: string[]): string =>
    execFileSync(path.join(resources, 'bin', 'cairn'), [...args, '--home', path.join(work, 'home'), '--json'], {
      encoding: 'utf8',
      env: { ...process.env, CAIRN_NODE: process.execPath },
    });
  try {
    const chain = path.join(root, 'test/fixtures/sample-chain');
    cairn('archive', chain);
    cairn('restore', 'sample-chain@2400', '--to', path.join(work, 'back'));
    execFileSync('diff', ['-r', path.join(chain, 'step-002400'), path.join(work, 'back')]);
  } finally {
    rmSync(work, { recursive: true });
  }
}

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(path.join(folder, name)))
    .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);

async function main(): Promise<void> {
  if (!existsSync(path.join(dist, 'main.js'))) throw new Error('the application is not built; run: npm run build');
  const packages = runtimePackages(root);
  writeFileSync(path.join(dist, 'licences.txt'), licencesText(root, packages));
  assembleCommandLine(packages);
  const resources = await layOut();
  const files = checkFiles(resources);
  writeFileSync(path.join(dist, 'packages', 'files.txt'), `${files.join('\n')}\n`);
  if (process.platform !== 'win32') checkProgram(resources);
  const mebibytes = (folder: string): string => (sizeOf(folder) / 2 ** 20).toFixed(1);
  say(
    `checked: ${files.length} files in the archive, ${mebibytes(resources)} MiB without Electron; addon and command line work from there`,
  );
  if (process.argv.includes('--check')) return;
  const runtime = electronRuntime();
  if (!runtime)
    throw new Error(
      "Electron's runtime is not installed, so the packages can't be made; fetch it once with npx electron, then run this again",
    );
  await build({ config: { ...configuration, electronDist: path.dirname(runtime) }, projectDir: root, publish: 'never' });
}

await main().catch((thrown: unknown) => {
  process.stderr.write(`${(thrown as Error).message}\n`);
  // electron-builder sets an exit code of its own when the process ends by itself.
  process.exit(1);
});
