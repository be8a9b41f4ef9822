// Builds test/native/emulated/driver.cc for other processors and runs it there, under qemu's emulators of programs:
//   node build/emulate.mjs TARGET [LARGEST]      host, arm64, haswell (AVX2) or nehalem (scalar code alone); prints the driver's lines
// Debian: apt-get install qemu-user g++-aarch64-linux-gnu
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAll, coreSources, isCurrent, root } from './native-sources.mjs';

const driverFolder = join(root, 'test', 'native', 'emulated');
const flags = ['-O3', '-std=c++17', '-fvisibility=hidden'];
const x64 = { compiler: process.env.CXX ?? 'g++', sets: ['avx2', 'avx512'] };
const arm64 = { compiler: 'aarch64-linux-gnu-g++', sets: ['neon'] };
const host = process.arch === 'arm64' ? { ...arm64, compiler: x64.compiler } : x64;
const targets = {
  host: { ...host, run: [] },
  arm64: { ...arm64, run: ['qemu-aarch64'] },
  haswell: { ...x64, run: ['qemu-x86_64', '-cpu', 'Haswell'] },
  nehalem: { ...x64, run: ['qemu-x86_64', '-cpu', 'Nehalem'] },
};

function run(command, args, stdio) {
  const done = spawnSync(command, args, { stdio, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.error) throw new Error(`${command}: ${done.error.code === 'ENOENT' ? 'not found; install it' : done.error.message}`);
  if (done.status !== 0)
    throw new Error(`${command}: ended with ${done.status ?? done.signal}: ${done.stdout?.trim().split('\n').at(-1) ?? ''}`);
  return done.stdout;
}

/** Builds the driver where a source is newer than it; statically, so that it needs nothing of the other system. */
async function build({ compiler, sets }, name) {
  const output = join(root, 'dist', 'emulated', name);
  const program = join(output, 'driver');
  const jobs = [...coreSources(sets), [join(driverFolder, 'driver.cc'), []]];
  if (isCurrent(program, [driverFolder], [fileURLToPath(import.meta.url)])) return program;
  run(compiler, ['-static', ...(await compileAll(compiler, flags, jobs, output)), '-o', program], 'inherit');
  return program;
}

try {
  const [name = '', ...args] = process.argv.slice(2);
  const target = targets[name];
  if (!target) throw new Error(`usage: node build/emulate.mjs ${Object.keys(targets).join('|')} [LARGEST]`);
  const program = await build(target, target.compiler === x64.compiler ? 'host' : name);
  const [command, ...rest] = [...target.run, program, ...args];
  process.stdout.write(run(command, rest, ['ignore', 'pipe', 'inherit']));
} catch (thrown) {
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}
