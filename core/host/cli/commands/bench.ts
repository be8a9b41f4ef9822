/** `cairn bench`: how fast and how small the codec is on these checkpoints and this machine. */
import path from 'node:path';
import { Option, type Command } from 'commander';
import { codingMethod, type CodingMethod } from '../../../contract/model.ts';
import { wholeNumber } from '../arguments.ts';
import type { Actions } from '../actions.ts';
import { right } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

interface BenchOptions {
  method?: CodingMethod;
  implementation?: string[];
  files: boolean;
  threads?: number;
  rounds?: number;
  general: boolean;
}

export function addBench(root: Command, actions: Actions): void {
  const command = root
    .command('bench')
    .description('measure the codec, in memory against memcpy and from files to files against copying, in one run')
    .argument('<path...>', 'folders with runs; the newest checkpoint of each is measured, alone and against the one before')
    .addOption(new Option('--method <name>', 'cairn or lmc (default: both)').choices(codingMethod.options))
    .option('--implementation <name...>', 'scalar, avx2 ... (default: all that this machine runs)')
    .option('--threads <number>', 'measured besides one thread (default: one for every core)', wholeNumber(1, 256))
    .option('--rounds <number>', 'repetitions, of which the medians count (default: 9)', wholeNumber(1, 100))
    .option('--no-files', 'leave out archiving and restoring the files (also left out where an implementation is chosen)')
    .option('--no-general', 'leave out gzip, brotli, zstd, lz4, bzip2 and xz (also left out where a method or implementation is chosen)');
  command.action((paths: string[], options: BenchOptions) => actions.run(command, (session) => bench(session, paths, options)));
}

async function bench({ client, out, interrupt }: Session, paths: string[], options: BenchOptions): Promise<number> {
  const { method, implementation: implementations, threads, rounds } = options;
  const general = options.general && method === undefined && implementations === undefined;
  const params = {
    paths: paths.map((name) => path.resolve(name)),
    ...(method ? { methods: [method] } : {}),
    implementations,
    threads,
    rounds,
    general,
    files: options.files && implementations === undefined,
  };
  const { results } = await client.call('bench.run', params, { signal: interrupt });
  const numbers = ['ratio', 'encode', 'decode', 'memcpy', 'digest', 'copy'].map(right);
  out.table(
    ['run', 'dtype', 'in', 'mode', 'method', 'by', right('threads'), ...numbers],
    results.map((result) => [
      ...[result.scenario, result.dtype, result.medium, result.mode, result.method, result.implementation, String(result.threads)],
      ...[result.ratio.toFixed(3)],
      ...[result.encodeGiBps, result.decodeGiBps, result.memcpyGiBps, result.digestGiBps, result.copyGiBps].map(
        (rate) => rate?.toFixed(2) ?? '',
      ),
    ]),
  );
  out.line('rates in GiB of original bytes a second');
  for (const result of results) out.record('result', result);
  out.summary({ results: results.length });
  return exitCodes.done;
}
