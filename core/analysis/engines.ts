/**
 * Compression engines on samples of the user's own tensors: general ones at usual settings through node:zlib, LMC and Cairn
 * through the codec, alone and against the step before. One thread each, times beside sizes.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FileRange } from '../codec/binding.ts';
import { tensorBlockLog2 } from '../codec/elements.ts';
import { aboutCore } from '../codec/hashing.ts';
import { CairnError } from '../contract/errors.ts';
import type { EngineResult } from '../contract/model.ts';
import { libraryEngines, measureGeneral, type GeneralEngine } from './general-engines.ts';
import { gatherRanges } from './ranges.ts';
import { withRanges, type ReadContext } from './readable.ts';
import { sample } from './sampling.ts';
import type { StepTensor } from './step-tensors.ts';

/** Of each kind of tensor; kinds by falling size, none that is too small to matter. */
const sampleBytes = 4 * 1024 * 1024;
const mostKinds = 4;
const leastShare = 0.01;

interface Sample {
  kind: string;
  tensor: StepTensor;
  source: FileRange;
  base?: FileRange;
}

async function sampleOf(
  kind: string,
  tensors: readonly StepTensor[],
  pairs: ReadonlyMap<StepTensor, StepTensor>,
  context: ReadContext,
): Promise<Sample> {
  const pairedOnly = tensors.filter((tensor) => pairs.has(tensor));
  const chosen = pairedOnly.length > 0 ? pairedOnly : tensors;
  const windows = sample(
    chosen.map((tensor) => ({ group: kind, elements: tensor.elements, width: tensor.width, tensor })),
    sampleBytes,
    2 ** tensorBlockLog2,
  ).map(({ tensor: { tensor }, start, count }) => ({ tensor, start, count }));
  const place = (role: string): string => path.join(context.scratch, `${kind.replaceAll(/\W/g, '-')}-${role}`);
  const gathered = (some: typeof windows, role: string): Promise<FileRange> =>
    withRanges(some, context, (ranges) => gatherRanges(ranges.flat(), place(role)));
  const source = await gathered(windows, 'now');
  if (pairedOnly.length === 0) return { kind, tensor: chosen[0]!, source };
  const before = windows.map((window) => ({ ...window, tensor: pairs.get(window.tensor)! }));
  return { kind, tensor: chosen[0]!, source, base: await gathered(before, 'before') };
}

async function runGeneral(engine: GeneralEngine, kind: string, raw: Uint8Array): Promise<EngineResult> {
  return { kind, engine: engine.engine, mode: 'alone', bytesOriginal: raw.length, ...(await measureGeneral(engine, raw)) };
}

async function runCodec(method: 'lmc' | 'cairn', { kind, tensor, source, base }: Sample, context: ReadContext): Promise<EngineResult> {
  const { rawLength, storedLength, encodeSeconds, decodeSeconds } = await context.pool.bench({
    source,
    ...(base ? { base } : {}),
    element: tensor.element,
    blockLog2: tensorBlockLog2,
    method,
    implementation: aboutCore().implementation,
    rounds: 3,
  });
  const engine = method === 'lmc' ? 'LMC' : 'Cairn';
  return {
    kind,
    engine,
    mode: base ? 'delta' : 'alone',
    bytesOriginal: rawLength,
    bytesStored: storedLength,
    encodeSeconds,
    decodeSeconds,
  };
}

function largestKinds(tensors: readonly StepTensor[]): [string, StepTensor[]][] {
  const bytes = (some: readonly StepTensor[]): number => some.reduce((sum, { elements, width }) => sum + elements * width, 0);
  const least = bytes(tensors) * leastShare;
  const kinds = [...Map.groupBy(tensors, ({ kind }) => kind)].filter(([, some]) => bytes(some) >= least);
  return kinds.sort((a, b) => bytes(b[1]) - bytes(a[1])).slice(0, mostKinds);
}

/**
 * Runs every engine on a sample of each kind of tensor.
 *
 * @param pairs with the tensors of the step before, for deltas
 * @throws CairnError `cancelled` and what reading gives.
 */
export async function* compareEngines(
  tensors: readonly StepTensor[],
  pairs: ReadonlyMap<StepTensor, StepTensor>,
  context: ReadContext,
): AsyncGenerator<EngineResult> {
  const assertWanted = (): void => {
    if (Atomics.load(context.cancel, 0) !== 0) throw new CairnError('cancelled', 'the comparison was cancelled');
  };
  for (const [kind, some] of largestKinds(tensors)) {
    const found = await sampleOf(kind, some, pairs, context);
    const { base: _, ...alone } = found;
    const raw = await readFile(found.source.path);
    for (const engine of libraryEngines) {
      assertWanted();
      yield await runGeneral(engine, kind, raw);
    }
    for (const one of found.base ? [alone, found] : [alone]) {
      for (const method of ['lmc', 'cairn'] as const) {
        assertWanted();
        yield await runCodec(method, one, context);
      }
    }
  }
}
