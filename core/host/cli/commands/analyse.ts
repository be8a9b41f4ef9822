/** `cairn analyse`: the paper's study on a run of one's own. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { CairnError, toFailure, type Failure } from '../../../contract/errors.ts';
import {
  totalsOf,
  type EngineComparison,
  type KindMeasures,
  type RunEstimate,
  type RunOutline,
  type StepMeasures,
} from '../../../contract/model.ts';
import { wholeNumber } from '../arguments.ts';
import { basisOf, printEstimates, sentenceOf } from '../estimates.ts';
import type { Actions } from '../actions.ts';
import { ratio, right, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

interface AnalyseOptions {
  step?: number[];
  full?: boolean;
  engines: boolean;
  estimate: boolean;
}

const stepNumber = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export function addAnalyse(root: Command, actions: Actions): void {
  const command = root
    .command('analyse')
    .description('study how compressible a run is: entropy of byte planes, bits that flip, layers that change, engines side by side')
    .argument('[run]', 'its name, or a folder with checkpoints; without one: about what archiving the rest of every known run would take')
    .option('--step <number...>', 'only these steps', (text: string, before: number[] = []) => [...before, stepNumber(text)])
    .option('--full', 'read everything (default: samples of about 16 MiB a step)')
    .option('--no-engines', 'leave out the comparison of engines')
    .option('--no-estimate', 'leave out what archiving the rest of the run would take');
  command.action((run: string | undefined, options: AnalyseOptions) =>
    actions.run(command, (session) => (run === undefined ? estimateAll(session) : analyse(session, run, options))),
  );
}

/** A folder is scanned first, so that the run is known. @throws CairnError `not_found`, `ambiguous` where it holds several runs. */
async function runOf({ client, interrupt }: Session, run: string): Promise<string> {
  const place = path.resolve(run);
  if (!(await stat(place).catch(() => undefined))) return run;
  const { runs } = await client.call('sources.scan', { paths: [place] }, { signal: interrupt });
  if (runs.length === 1) return runs[0]!.id;
  if (runs.length === 0)
    throw new CairnError('not_found', `${place}: no checkpoint found there; cairn scan shows what is recognised`, { path: place });
  const names = runs.map((found) => found.path).join(', ');
  throw new CairnError('ambiguous', `${place}: it holds several runs; name one of ${names}`, { path: place });
}

/** Every run that is known, one after the other: what is on disk and not archived. One that can't be read is told of. */
async function estimateAll(session: Session): Promise<number> {
  const { client, out, interrupt } = session;
  const { runs } = await client.call('runs.list', {});
  const [estimates, errors]: [RunEstimate[], Failure[]] = [[], []];
  for (const { id } of runs) {
    try {
      estimates.push(await estimateOf(session, id));
    } catch (thrown) {
      if (interrupt.aborted) throw thrown;
      errors.push(toFailure(thrown));
      out.error(errors.at(-1)!.message);
    }
  }
  printEstimates(session, estimates);
  const total = totalsOf(estimates);
  out.line(runs.length === 0 ? 'no run is known; cairn scan FOLDER shows what is recognised' : sentenceOf(total));
  out.summary({ runs: estimates.length, ...total, errors });
  return errors.length > 0 ? exitCodes.failed : exitCodes.done;
}

async function estimateOf({ client, out, interrupt }: Session, run: string): Promise<RunEstimate> {
  const { estimate } = await client.call('analyse.estimate', { run }, { signal: interrupt });
  out.record('estimate', estimate);
  return estimate;
}

async function analyse(session: Session, name: string, { step: steps, full, engines, estimate }: AnalyseOptions): Promise<number> {
  const { client, out, interrupt } = session;
  const call = { signal: interrupt };
  const run = await runOf(session, name);
  const { outline } = await client.call('analyse.outline', { run }, call);
  const chosen = outline.steps.map(({ step }) => step).filter((step) => !steps || steps.includes(step));
  if (chosen.length === 0) throw new CairnError('not_found', `${name}: it has none of these steps complete; see cairn ls`);
  printSizes(session, outline);
  const measured: StepMeasures[] = [];
  for (const step of chosen) {
    const { measures } = await client.call('analyse.step', { run, step, full: full ?? false }, call);
    out.record('step', measures);
    measured.push(measures);
  }
  printKinds(session, measured);
  const compared = engines ? (await client.call('analyse.engines', { run, step: chosen.at(-1) }, call)).comparison : undefined;
  if (compared) printEngines(session, compared);
  const rest = estimate ? await estimateOf(session, run) : undefined;
  if (rest) out.line(rest.steps === 0 ? 'all of it is archived' : `${sentenceOf(totalsOf([rest]))} (from ${basisOf(rest)})`);
  const bytesSampled = measured.reduce((sum, measures) => sum + measures.bytesSampled, 0);
  out.summary({ run: outline.name, path: outline.path, steps: measured.length, bytesSampled, ...(rest ? { estimate: rest } : {}) });
  return exitCodes.done;
}

function printSizes({ out }: Session, { steps }: RunOutline): void {
  for (const step of steps) out.record('sizes', step);
  const archived = steps.filter((step) => step.stored);
  if (archived.length === 0) return;
  out.table(
    [right('step'), right('original'), right('weights'), right('optimizer'), right('other')],
    archived.map(({ step, bytesOriginal, stored }) => [
      String(step),
      ...[bytesOriginal, stored!.weights, stored!.optimizer, stored!.other].map((bytes) => size(bytes)),
    ]),
  );
  out.line('bytes that each step added to the store');
  out.line('');
}

/** What is not nothing is never written as 0. */
function percent(share: number | undefined): string {
  if (share === undefined) return '';
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${(share * 100).toFixed(1)} %`;
}

/** The most significant plane first, as numbers are written. */
const planesOf = ({ planes }: KindMeasures): string => planes.toReversed().map((bits) => bits.toFixed(2)).join(' '); // prettier-ignore

function printKinds({ out }: Session, measured: readonly StepMeasures[]): void {
  out.table(
    [right('step'), right('against'), 'kind', 'entropy of byte planes', right('changed'), right('mean change')],
    measured.flatMap(({ step, against, kinds }) =>
      kinds.map((kind) => [
        String(step),
        against === undefined ? '' : String(against),
        kind.kind,
        planesOf(kind),
        percent(kind.changed),
        kind.meanChange === undefined ? '' : kind.meanChange.toExponential(2),
      ]),
    ),
  );
  out.line('bits a byte in blocks of 64 KiB, the most significant byte first; layers, bits and exponents with --json');
}

function printEngines({ out }: Session, { step, against, results }: EngineComparison): void {
  for (const result of results) out.record('engine', { step, against, ...result });
  out.line('');
  out.table(
    ['kind', 'engine', 'mode', right('original'), right('stored'), right('ratio'), right('encode'), right('decode')],
    results.map(({ kind, engine, mode, bytesOriginal, bytesStored, encodeSeconds, decodeSeconds }) => [
      ...[kind, engine, mode, size(bytesOriginal), size(bytesStored), ratio(bytesOriginal, bytesStored)],
      ...[encodeSeconds, decodeSeconds].map((seconds) => `${(bytesOriginal / 2 ** 20 / seconds).toFixed(0)} MiB/s`),
    ]),
  );
  const delta = against === undefined ? '' : `; deltas against step ${against}`;
  out.line(`samples of step ${step}, one thread${delta}`);
}
