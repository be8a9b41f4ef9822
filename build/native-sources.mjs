// What binding.gyp builds, and whether it is built: for the addon, and for the programs that compile the core without node-gyp (the
// fuzzers, and the driver for other processors).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const nativeFolder = join(root, 'core', 'native');

/**
 * Whether a program is newer than all sources and headers that it may be made of.
 *
 * @param {string} program
 * @param {string[]} folders with sources besides those of the core
 * @param {string[]} scripts that build it
 */
export function isCurrent(program, folders, scripts) {
  const sources = [join(nativeFolder, 'src'), ...folders].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /\.(cc|h)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const all = [...sources, ...scripts, join(nativeFolder, 'binding.gyp'), fileURLToPath(import.meta.url)];
  return existsSync(program) && statSync(program).mtimeMs > Math.max(...all.map((file) => statSync(file).mtimeMs));
}

/** A list of binding.gyp, so that what is tested is what is built. */
export function listOf(name) {
  const text = readFileSync(join(nativeFolder, 'binding.gyp'), 'utf8').replaceAll(/#.*/g, '');
  const body = new RegExp(`"${name}": \\[([^\\]]*)\\]`).exec(text)?.[1];
  if (body === undefined) throw new Error(`core/native/binding.gyp: has no list ${name}`);
  return [...body.matchAll(/"([^"]+)"/g)].map((match) => match[1]);
}

/** Sources of a kind: `core`, `codec`, or an instruction set. */
export const sourcesOf = (kind) => listOf(`${kind}_sources`).map((source) => join(nativeFolder, source));

/**
 * All of the core below the addon, for some instruction sets besides scalar.
 *
 * @param {string[]} instructionSets
 * @param {'posix' | 'win32'} system
 * @returns {[source: string, flags: string[]][]}
 */
export function coreSources(instructionSets, system = 'posix') {
  const plain = ['core', system, 'codec', 'scalar'].flatMap(sourcesOf).map((source) => [source, []]);
  return [...plain, ...instructionSets.flatMap((set) => sourcesOf(set).map((source) => [source, listOf(`${set}_flags`)]))];
}

/** Compiles one source; resolves to its object file. */
function compileOne(compiler, source, flags, output) {
  const target = join(output, `${source.slice(root.length + 1).replaceAll(/[\\/]/g, '-')}.o`);
  const args = [...flags, `-I${join(nativeFolder, 'src')}`, '-c', source, '-o', target];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: 'inherit' });
    child.on('error', (error) => reject(new Error(`${compiler}: ${error.code === 'ENOENT' ? 'not found; install it' : error.message}`)));
    child.on('close', (status) => (status === 0 ? resolve(target) : reject(new Error(`${source}: does not compile`))));
  });
}

/**
 * Compiles sources with `flags` and their own, as many at once as there are processors.
 *
 * @param {string} compiler
 * @param {string[]} flags
 * @param {[source: string, flags: string[]][]} jobs
 * @param {string} output folder of the object files
 * @returns {Promise<string[]>} the object files
 */
export async function compileAll(compiler, flags, jobs, output) {
  mkdirSync(output, { recursive: true });
  const objects = [];
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift())
      objects.push(await compileOne(compiler, job[0], [...flags, ...job[1]], output));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects;
}
