// Fuzzes the native decoders and encoders under AddressSanitizer and UndefinedBehaviorSanitizer:
//   node build/fuzz.mjs [--executions N] [--seed N]                      all cases of the corpora, then mutations; needs g++ alone
//   node build/fuzz.mjs --libfuzzer TARGET [--executions N] [--seed N]   clang's engine, from the corpus; what is new goes to dist/fuzz
//   node build/fuzz.mjs --grow TARGET [--executions N] [--seed N]        the same, and what is new is merged into the corpus
//   node build/fuzz.mjs --case FILE --target TARGET                      runs a case that failed again
// TARGET is `decoders`, `implementations` or `choice`, see core/native/fuzz/README.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findClang } from './clang.ts';
import { compileAll, coreSources, isCurrent, nativeFolder, root } from './native-sources.mjs';

const targets = ['decoders', 'implementations', 'choice'];
const folder = join(nativeFolder, 'fuzz');
const output = join(root, 'dist', 'fuzz');
const shared = ['cases.cc', 'choice.cc', 'contents.cc', 'mutations.cc', 'targets.cc'];
const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-std=c++17'];
// Comparisons are not traced: that takes half of the time, in loops over elements that say nothing.
const coverage = [
  '-O2',
  '-gline-tables-only',
  '-fsanitize=fuzzer-no-link',
  '-fno-sanitize-coverage=trace-cmp',
  '-Wno-unknown-warning-option',
];
const instructionSets = process.arch === 'arm64' ? ['neon'] : ['avx2', 'avx512'];
/** Of one case, in bytes: blocks of a few thousand elements. Contents are repeated, so that fewer bytes make as many. */
const longest = { decoders: 4096, implementations: 1024, choice: 1024 };

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', cwd: output, ...options });
  if (done.error) throw new Error(`${command}: ${done.error.code === 'ENOENT' ? 'not found; install it' : done.error.message}`);
  if (done.status !== 0) throw new Error(`${command}: ended with ${done.status ?? done.signal}; what failed is in ${output}`);
}

const nameOf = (target) => `fuzz_${target}`;
const corpusOf = (target) => join(folder, 'corpus', target);
/** Cases that failed once, which no merge takes away. */
const foundOf = (target) => join(folder, 'found', target);
const casesOf = (target) => [corpusOf(target), foundOf(target)].filter(existsSync).flatMap(filesIn);
const filesIn = (of) => readdirSync(of).map((name) => join(of, name));

/** Compiles everything once and links one program for each name, whose own source is named like it; none where all are current. */
async function build(names, compiler, flags, link) {
  if (names.every((name) => isCurrent(join(output, name), [folder], [fileURLToPath(import.meta.url)]))) return;
  const sources = [...shared, ...names.map((name) => `${name}.cc`)].map((source) => [join(folder, source), []]);
  const parts = await compileAll(compiler, flags, [...coreSources(instructionSets), ...sources], join(output, `${names[0]}-parts`));
  const isOf = (part, name) => part.endsWith(`-${name}.cc.o`);
  for (const name of names) {
    const others = names.filter((other) => other !== name);
    const own = parts.filter((part) => !others.some((other) => isOf(part, other)));
    run(compiler, [...flags, ...link, ...own, '-o', join(output, name)]);
  }
}

async function buildDriver() {
  await build(['driver'], process.env.CXX ?? 'g++', [...sanitize, '-O1', '-g1'], []);
  return join(output, 'driver');
}

async function buildLibfuzzer(target) {
  await build(targets.map(nameOf), findClang(), [...sanitize, ...coverage], ['-fsanitize=fuzzer']);
  return join(output, nameOf(target));
}

async function drive({ executions, seed }) {
  const driver = await buildDriver();
  for (const target of targets) run(driver, [target, ...casesOf(target)]);
  run(driver, ['run', seed, executions]);
}

/** @returns {Promise<string[]>} the program and the folders of its corpus, the one for what is new first */
async function runLibfuzzer(target, { executions, seed }) {
  const fresh = join(output, 'corpus', target);
  mkdirSync(fresh, { recursive: true });
  const program = await buildLibfuzzer(target);
  const limits = [`-max_len=${longest[target]}`, '-timeout=60', '-rss_limit_mb=2048', `-artifact_prefix=${output}/`];
  const folders = [fresh, corpusOf(target), foundOf(target)].filter(existsSync);
  run(program, [`-runs=${executions}`, `-seed=${seed}`, ...limits, '-reload=0', '-print_final_stats=1', ...folders]);
  return [program, ...folders];
}

/** Replaces the corpus by the smallest cases that reach all that it and the run before reached. */
async function grow(target, options) {
  const [program, ...folders] = await runLibfuzzer(target, options);
  const merged = `${folders[0]}-merged`;
  rmSync(merged, { recursive: true, force: true });
  mkdirSync(merged);
  // By the edges reached alone, not how often: a fifth of the cases, all of the ways.
  run(program, ['-merge=1', '-use_counters=0', `-max_len=${longest[target]}`, merged, ...folders]);
  rmSync(corpusOf(target), { recursive: true, force: true });
  renameSync(merged, corpusOf(target));
}

function assertTarget(target) {
  if (!targets.includes(target)) throw new Error(`${target}: no such target; use one of ${targets.join(', ')}`);
}

try {
  const { values } = parseArgs({
    options: {
      executions: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      libfuzzer: { type: 'string' },
      grow: { type: 'string' },
      case: { type: 'string' },
      target: { type: 'string', default: 'decoders' },
    },
  });
  const target = values.grow ?? values.libfuzzer ?? values.target;
  assertTarget(target);
  mkdirSync(output, { recursive: true });
  if (values.case) run(await buildDriver(), [target, resolve(values.case)]);
  else if (values.grow) await grow(target, values);
  else if (values.libfuzzer) await runLibfuzzer(target, values);
  else await drive(values);
} catch (thrown) {
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}
