// Builds the drivers of test/native/emulated for other processors and for Windows, and runs them there, under qemu's emulators of programs and
// under wine:
//   node build/emulate.mjs TARGET [LARGEST]      host, arm64, haswell (AVX2), nehalem (scalar code alone) or windows; prints the driver's lines
//   node build/emulate.mjs TARGET --files        does to the files that standard input names what files.cc says
// Debian: apt-get install qemu-user g++-aarch64-linux-gnu g++-mingw-w64-x86-64-posix wine64
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headersFolder } from './native.mjs';
import { compileAll, coreSources, isCurrent, root, sourcesOf } from './native-sources.mjs';

const driverFolder = join(root, 'test', 'native', 'emulated');
const flags = ['-O3', '-std=c++17', '-fvisibility=hidden'];
const drivers = ['codecs', 'files'];
const x64 = { compiler: process.env.CXX ?? 'g++', sets: ['avx2', 'avx512'] };
const arm64 = { compiler: 'aarch64-linux-gnu-g++', sets: ['neon'] };
const host = process.arch === 'arm64' ? { ...arm64, compiler: x64.compiler } : x64;
const targets = {
  host: { ...host, run: [] },
  arm64: { ...arm64, run: ['qemu-aarch64'] },
  haswell: { ...x64, run: ['qemu-x86_64', '-cpu', 'Haswell'] },
  nehalem: { ...x64, run: ['qemu-x86_64', '-cpu', 'Nehalem'] },
  // GCC aligns no wide variables on Windows' stacks (its bug 54412), which clang, the compiler there, does.
  windows: {
    ...{
      ...x64,
      compiler: 'x86_64-w64-mingw32-g++-posix',
      system: 'win32',
      flags: ['-Wa,-muse-unaligned-vector-move'],
      ending: '.exe',
      addon: true,
    },
    run: [wine()],
  },
};

/** Debian has it outside of the path. */
function wine() {
  return existsSync('/usr/lib/wine/wine64') ? '/usr/lib/wine/wine64' : 'wine64';
}

function run(command, args, stdio) {
  const done = spawnSync(command, args, { stdio, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (done.error) throw new Error(`${command}: ${done.error.code === 'ENOENT' ? 'not found; install it' : done.error.message}`);
  if (done.status !== 0)
    throw new Error(`${command}: ended with ${done.status ?? done.signal}: ${done.stdout?.trim().split('\n').at(-1) ?? ''}`);
  return done.stdout;
}

/** As node-gyp compiles the addon's own sources; where no Node is linked with, that they compile is all that can be seen. */
function addonFlags() {
  const folders = [join(root, 'node_modules', 'node-addon-api'), join(headersFolder() ?? '', 'include', 'node')].map(
    (folder) => `-I${folder}`,
  );
  return ['-DNAPI_VERSION=9', '-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED', '-DNAPI_CPP_EXCEPTIONS', '-DBUILDING_NODE_EXTENSION', ...folders];
}

/** Builds the drivers where a source is newer; statically, so that they need nothing of the other system. */
async function build({ compiler, sets, system, flags: more = [], ending = '', addon = false }, name) {
  const output = join(root, 'dist', 'emulated', name);
  const programOf = (driver) => join(output, driver + ending);
  if (drivers.every((driver) => isCurrent(programOf(driver), [driverFolder], [fileURLToPath(import.meta.url)]))) return programOf;
  if (addon)
    await compileAll(
      compiler,
      [...flags, ...more, ...addonFlags()],
      sourcesOf('addon').map((source) => [source, []]),
      output,
    );
  const core = await compileAll(compiler, [...flags, ...more], coreSources(sets, system), output);
  for (const driver of drivers) {
    const own = await compileAll(compiler, [...flags, ...more], [[join(driverFolder, `${driver}.cc`), []]], output);
    run(compiler, ['-static', ...core, ...own, '-o', programOf(driver)], 'inherit');
  }
  return programOf;
}

try {
  const [name = '', ...args] = process.argv.slice(2);
  const target = targets[name];
  if (!target) throw new Error(`usage: node build/emulate.mjs ${Object.keys(targets).join('|')} [LARGEST]`);
  const programOf = await build(target, target.compiler === x64.compiler ? 'host' : name);
  const isOfFiles = args[0] === '--files';
  const [command, ...rest] = [...target.run, programOf(isOfFiles ? 'files' : 'codecs'), ...(isOfFiles ? [] : args)];
  process.stdout.write(run(command, rest, [isOfFiles ? 'inherit' : 'ignore', 'pipe', 'inherit']));
} catch (thrown) {
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}
