// Fuzzes the native decoders and encoders under AddressSanitizer and UndefinedBehaviorSanitizer, with the standalone driver:
//   node build/fuzz.mjs [--executions N] [--seed N] [--case FILE] [--libfuzzer]
// --libfuzzer builds with clang and its own engine instead (Debian: apt-get install clang), which runs for N executions.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileAll, coreSources, isCurrent, nativeFolder, root } from './native-sources.mjs';

const output = join(root, 'dist', 'fuzz');
const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g', '-O1', '-std=c++17'];
const instructionSets = process.arch === 'arm64' ? ['neon'] : ['avx2', 'avx512'];

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (done.error) throw new Error(`${command}: ${done.error.code === 'ENOENT' ? 'not found; install it' : done.error.message}`);
  if (done.status !== 0)
    throw new Error(`${command}: ended with ${done.status ?? done.signal}; what failed is in ${join(output, 'failed.case')}`);
}

async function build(libfuzzer) {
  const program = join(output, libfuzzer ? 'libfuzzer' : 'driver');
  if (isCurrent(program, [join(nativeFolder, 'fuzz')], [fileURLToPath(import.meta.url)])) return program;
  const compiler = libfuzzer ? 'clang++' : (process.env.CXX ?? 'g++');
  const fuzzers = ['targets.cc', libfuzzer ? 'libfuzzer.cc' : 'driver.cc'].map((name) => [join(nativeFolder, 'fuzz', name), []]);
  const flags = [...sanitize, ...(libfuzzer ? ['-fsanitize=fuzzer-no-link'] : [])];
  const parts = await compileAll(
    compiler,
    flags,
    [...coreSources(instructionSets), ...fuzzers],
    libfuzzer ? `${output}-libfuzzer` : output,
  );
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
