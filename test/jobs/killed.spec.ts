/**
 * A service is killed in each phase of an archive with all that may follow it; the next one finds the job interrupted, goes on, and
 * everything ends sealed, stored once and released. What was sealed before is not read again: bytes are counted.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { job as jobSchema, type Job } from '../../core/contract/model.ts';
import { shimmed, type Kill } from '../fault/shim.ts';
import { bytesOf, weights, writeStep } from './files.ts';
import { Served } from '../service/served.ts';

const program = path.join(import.meta.dirname, 'service-process.ts');
let folder: string;
let chain: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-killed-'));
  chain = path.join(folder, 'run');
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Names, sizes, times to the nanosecond and digests of the files of a run. */
function picture(run: string): string[] {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const { size, mtimeNs } = statSync(file, { bigint: true });
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    return `${path.relative(run, file)} ${size} ${mtimeNs} ${digest}`;
  });
}

interface Chain {
  elements: number;
  original: string[];
}

/** Two steps, in a folder that has nothing else. */
function makeChain(elements: number): Chain {
  rmSync(folder, { recursive: true });
  writeRun(chain, elements);
  return { elements, original: picture(chain) };
}

function writeRun(run: string, elements: number): void {
  mkdirSync(run, { recursive: true });
  let before: Float32Array | undefined;
  for (const step of [100, 200]) {
    before = weights(elements, step, before);
    writeStep(run, step, [{ name: 'weight', dtype: 'F32', shape: [before.length], bytes: bytesOf(before) }]);
  }
}

const told = z.object({ job: jobSchema, bytesRead: z.number() });
type Told = z.infer<typeof told>;
interface Life {
  /** Parameters of the archive that the service starts; absent: it goes on with what it finds. */
  archive?: object;
  /** Home and store are below it. */
  place?: string;
  env?: Record<string, string>;
}

/** Runs a service until a job of it is as the caller wants, and kills it there. @returns the last it said, where it was killed otherwise */
async function killedWhen(wanted: (job: Job) => boolean, { archive, place = folder, env }: Life = {}): Promise<Told> {
  const args = [program, path.join(place, 'home'), path.join(place, 'store'), ...(archive ? [JSON.stringify(archive)] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  running.add(child);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  let last: Told | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = told.parse(JSON.parse(line));
    if (wanted(last.job)) child.kill('SIGKILL');
    if (wanted(last.job)) break;
  }
  await gone;
  running.delete(child);
  if (!last) throw new Error('the service ended before it said anything');
  return last;
}

const isDone = ({ state }: Job): boolean => state === 'done';
const params = { threads: 1, verifyAfter: true, release: { keepNewest: 1 } };
const archiveOf = (run: string): object => ({ paths: [run], ...params });

interface Killed extends Chain {
  job: Job;
}

/** Kills an archive in a phase. On a fast machine a phase may be over before an event tells of it: then of a larger chain. */
async function killedIn(wanted: (job: Job) => boolean): Promise<Killed> {
  for (const elements of [2_000_000, 12_000_000, 40_000_000, 80_000_000]) {
    const made = makeChain(elements);
    const { job } = await killedWhen((now) => wanted(now) || isDone(now), { archive: archiveOf(chain) });
    if (!isDone(job)) return { ...made, job };
  }
  throw new Error('the archive was over before an event told of the phase');
}

/** Kills an archive at a renaming below a folder, after so many others there. */
async function killedAt(kill: Kill, root: string, at = 0): Promise<Killed> {
  const made = makeChain(2_000_000);
  const env = shimmed({ root: path.join(folder, root), fault: kill, at });
  const { job } = await killedWhen(isDone, { archive: archiveOf(chain), env });
  expect(job.state).toBe('running');
  return { ...made, job };
}

const wholes = new Map<number, number>();
/** What archiving such a chain reads where nothing interrupts it. */
async function bytesOfWhole(elements: number): Promise<number> {
  const place = path.join(folder, 'whole');
  if (!wholes.has(elements)) {
    writeRun(path.join(place, 'run'), elements);
    wholes.set(elements, (await killedWhen(isDone, { archive: archiveOf(path.join(place, 'run')), place })).bytesRead);
  }
  return wholes.get(elements)!;
}

const snapshots = (): string[] => readdirSync(path.join(folder, 'store', 'snapshots'));
function packBytes(): number {
  const packs = path.join(folder, 'store', 'packs');
  const files = readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

/** Restores step 100, which was released, beside a copy of what it was. */
async function expectAllSealed(served: Served, original: string[]): Promise<void> {
  const verified = await served.ended(served.client.call('verify.start', {}));
  expect(verified.result).toMatchObject({ findings: [], snapshots: 2 });
  const before = packBytes();
  expect(readdirSync(chain)).toEqual(['step-000200']);
  await served.ended(served.client.call('restore.start', { snapshot: 'run@100', to: path.join(chain, 'step-000100') }));
  expect(picture(chain)).toEqual(original);
  const again = await served.ended(served.client.call('archive.start', { paths: [chain] }));
  expect([again.result?.['snapshots'], packBytes()]).toEqual([[], before]);
}

const inSnapshots = path.join('store', 'snapshots');

describe('a service killed', () => {
  /** Where the last member is true, step 100 was sealed before. */
  const phases: [string, () => Promise<Killed>, boolean][] = [
    ['while the job is queued', () => killedIn(({ state }) => state === 'queued'), false],
    ['as it begins', () => killedIn(({ state }) => state === 'running'), false],
    ['while it codes', () => killedIn(({ progress }) => progress.phase === 'archive' && progress.bytesDone > 0), false],
    ['while it proves', () => killedIn(({ progress }) => progress.phase === 'prove'), false],
    ['as it commits', () => killedAt('rename-kill', inSnapshots), false],
    ['right after it committed', () => killedAt('renamed-kill', inSnapshots), true],
    ['between two snapshots', () => killedIn(({ progress }) => progress.itemsDone === 1), true],
    ['as it commits the second', () => killedAt('rename-kill', inSnapshots, 1), true],
    ['while it verifies', () => killedIn(({ progress }) => progress.phase === 'data'), true],
    ['as it releases an original', () => killedAt('rename-kill', 'run'), true],
    ['while it removes an original', () => killedAt('renamed-kill', 'run'), true],
  ];

  it.each(phases)('%s goes on when it starts again, and everything is sealed, stored once and released', async (_, kill, isSealed) => {
    const { job: killed, elements, original } = await kill();
    const resumed = await killedWhen(isDone);
    expect(resumed.job.result).toMatchObject({ errors: [], findings: [], skipped: [] });
    // Killed before it began it is the same job still; a kill may also come a moment late.
    if (killed.state === 'queued') expect([resumed.job.id, resumed.job.resumes]).toContain(killed.id);
    else expect(resumed.job.resumes).toBe(killed.id);
    expect(snapshots()).toHaveLength(2);
    // What is sealed is neither coded again nor hashed nor proved: twice its bytes, and what is stored of it.
    if (isSealed && process.platform === 'linux')
      expect((await bytesOfWhole(elements)) - resumed.bytesRead).toBeGreaterThan(2 * 4 * elements);
    const served = await Served.open(folder);
    try {
      if (killed.state !== 'queued') expect((await served.client.call('jobs.get', { id: killed.id })).job.state).toBe('interrupted');
      await expectAllSealed(served, original);
    } finally {
      await served.service.close();
    }
  });

  it('again and again is not gone on with for ever', async () => {
    makeChain(2_000_000);
    const begins = ({ state }: Job): boolean => state === 'running';
    await killedWhen(begins, { archive: archiveOf(chain) });
    for (let time = 0; time < 3; time++) await killedWhen((job) => begins(job) && job.resumes !== undefined);
    const served = await Served.open(folder, { stays: true });
    try {
      const { jobs } = await served.client.call('jobs.list', {});
      expect(jobs.map(({ state }) => state)).toEqual(['interrupted', 'interrupted', 'interrupted', 'interrupted']);
    } finally {
      await served.service.close();
    }
  });
});
