// Builds the native core (core/native) with node-gyp, against the headers that the installed node package brings.
// Says nothing but what failed. `node build/native.mjs [--force]`, or `buildNative()` from another script.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCurrent, nativeFolder, root } from './native-sources.mjs';

const output = join(nativeFolder, 'build', 'Release', 'cairn.node');

const isBuilt = () => isCurrent(output, [], [fileURLToPath(import.meta.url)]);

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** What is missing to compile, in one line, or undefined. */
function missingTool() {
  if (process.platform === 'win32') return undefined; // node-gyp finds Visual Studio itself, and says what it lacks
  const python = process.env.PYTHON ?? process.env.npm_config_python ?? 'python3';
  if (!runs(python, ['--version'])) return `${python}: not found; install Python 3 (Debian: apt-get install python3)`;
  const compiler = (process.env.CXX ?? (process.platform === 'darwin' ? 'c++' : 'g++')).split(' ')[0];
  if (!runs(compiler, ['--version'])) return `${compiler}: not found; install a C++ compiler (Debian: apt-get install g++ make)`;
  if (!runs('make', ['--version'])) return 'make: not found; install it (Debian: apt-get install make)';
  return undefined;
}

/** The installed Node package with headers for this platform; without one node-gyp looks for headers by itself. */
export function headersFolder() {
  const folder = join(root, 'node_modules', `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`);
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined;
}

function nodeGyp() {
  const require = createRequire(import.meta.url);
  const headers = headersFolder();
  const args = [require.resolve('node-gyp/bin/node-gyp.js'), 'configure', 'build', '--silent', '--jobs', 'max'];
  if (headers) args.push('--nodedir', headers);
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  return spawnSync(process.execPath, args, {
    cwd: nativeFolder,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    maxBuffer: 1 << 26,
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown.code === 'EPERM';
  }
}

/** Runs `work` while no other process builds in this folder. */
function alone(work) {
  const lock = join(nativeFolder, 'build', 'building.pid');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (thrown) {
      if (thrown.code !== 'EEXIST') throw thrown;
      if (!isAlive(Number(readFileSync(lock, 'utf8')))) rmSync(lock, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function build(force) {
  if (!force && isBuilt()) return; // another process built it meanwhile
  const done = nodeGyp();
  if (done.status === 0 && existsSync(output)) return;
  throw new Error(`core/native does not build:\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`);
}

/** Replaces a file that running processes may have mapped: never in place. */
function copyOver(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.tmp`);
  renameSync(`${to}.tmp`, to);
}

/**
 * Builds the addon where a source is newer than it, and copies it to `copyTo` where that is given.
 *
 * @param {{ copyTo?: string, force?: boolean }} options
 * @returns {string} path of the built addon
 * @throws Error with one line (a missing tool), or with the compiler's output
 */
export function buildNative({ copyTo, force = false } = {}) {
  if (force || !isBuilt()) {
    const missing = missingTool();
    if (missing) throw new Error(missing);
    alone(() => build(force));
  }
  if (copyTo) copyOver(output, copyTo);
  return output;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    buildNative({ force: process.argv.includes('--force') });
  } catch (thrown) {
    process.stderr.write(`${thrown.message}\n`);
    process.exitCode = 1;
  }
}
