// Fuzzes the native decoders and encoders under AddressSanitizer and UndefinedBehaviorSanitizer, with the standalone driver:
//   node build/fuzz.mjs [--executions N] [--seed N] [--case FILE] [--libfuzzer]
// --libfuzzer builds with clang and its own engine instead (Debian: apt-get install clang), which runs for N executions.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nativeFolder = join(root, 'core', 'native');
const output = join(root, 'dist', 'fuzz');
const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g', '-O1', '-std=c++17'];
const instructionSets = process.arch === 'arm64' ? ['neon'] : ['avx2', 'avx512'];

/** A list of binding.gyp, so that what is fuzzed is what is built. */
function listOf(name) {
  const text = readFileSync(join(nativeFolder, 'binding.gyp'), 'utf8').replaceAll(/#.*/g, '');
  const body = new RegExp(`"${name}": \\[([^\\]]*)\\]`).exec(text)?.[1];
  if (body === undefined) throw new Error(`core/native/binding.gyp: has no list ${name}`);
  return [...body.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
}

const sourcesOf = (kind) => listOf(`${kind}_sources`).map((source) => join(nativeFolder, source));

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (done.error) throw new Error(`${command}: ${done.error.code === 'ENOENT' ? 'not found; install it' : done.error.message}`);
  if (done.status !== 0)
    throw new Error(`${command}: ended with ${done.status ?? done.signal}; what failed is in ${join(output, 'failed.case')}`);
}

/** Compiles one source; resolves to its object file. */
function compileOne(compiler, source, flags) {
  const target = join(output, `${source.slice(nativeFolder.length + 1).replaceAll(/[\\/]/g, '-')}.o`);
  const args = [...sanitize, ...flags, `-I${join(nativeFolder, 'src')}`, '-c', source, '-o', target];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit' });
    child.on('error', (error) => reject(new Error(`${compiler}: ${error.code === 'ENOENT' ? 'not found; install it' : error.message}`)));
    child.on('close', (status) => (status === 0 ? resolve(target) : reject(new Error(`${source}: does not compile`))));
  });
}

/** As many at once as there are processors. */
async function compileAll(compiler, jobs) {
  const objects = [];
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) objects.push(await compileOne(compiler, ...job));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects;
}

/** True where no source is newer than the program. */
function isCurrent(program) {
  const folders = ['src', 'fuzz'].map((name) => join(nativeFolder, name));
  const sources = folders.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)));
  const newest = Math.max(...[...sources, fileURLToPath(import.meta.url)].map((source) => statSync(source).mtimeMs));
  return existsSync(program) && statSync(program).mtimeMs > newest;
}

async function build(libfuzzer) {
  const program = join(output, libfuzzer ? 'libfuzzer' : 'driver');
  if (isCurrent(program)) return program;
  const compiler = libfuzzer ? 'clang++' : (process.env.CXX ?? 'g++');
  const engine = libfuzzer ? ['-fsanitize=fuzzer-no-link'] : [];
  mkdirSync(output, { recursive: true });
  const fuzzers = ['targets.cc', libfuzzer ? 'libfuzzer.cc' : 'driver.cc'].map((name) => join(nativeFolder, 'fuzz', name));
  const plain = [...['core', 'codec', 'scalar'].flatMap(sourcesOf), ...fuzzers];
  const parts = await compileAll(compiler, [
    ...plain.map((source) => [source, engine]),
    ...instructionSets.flatMap((set) => sourcesOf(set).map((source) => [source, [...engine, ...listOf(`${set}_flags`)]])),
  ]);
  run(compiler, [...sanitize, ...(libfuzzer ? ['-fsanitize=fuzzer'] : []), ...parts, '-o', program]);
  return program;
}

try {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      case: { type: 'string' },
      libfuzzer: { type: 'boolean', default: false },
    },
  });
  const program = await build(values.libfuzzer);
  const own = values.case === undefined ? [values.seed, values.executions] : [values.seed, '0', values.case];
  run(program, values.libfuzzer ? [`-runs=${values.executions}`, `-seed=${values.seed}`] : own, { cwd: output });
} catch (thrown) {
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}
