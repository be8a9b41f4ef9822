/** A service is killed in each phase of an archive; the next one finds it interrupted, goes on, and seals everything. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job as jobSchema, type Job } from '../../core/contract/model.ts';
import { bytesOf, weights, writeStep } from './files.ts';
import { Served } from '../service/served.ts';

const program = path.join(import.meta.dirname, 'service-process.ts');
let folder: string;
let chain: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-killed-'));
  chain = path.join(folder, 'run');
  makeChain(2_000_000);
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function makeChain(elements: number): void {
  mkdirSync(chain);
  let before: Float32Array | undefined;
  for (const step of [100, 200]) {
    before = weights(elements, step, before);
    writeStep(chain, step, [{ name: 'weight', dtype: 'F32', shape: [before.length], bytes: bytesOf(before) }]);
  }
}

/** Kills an archive in a phase. On a fast machine a phase may be over before an event tells of it: then of a larger chain. */
async function killedIn(wanted: (job: Job) => boolean): Promise<Job> {
  for (const elements of [2_000_000, 12_000_000, 40_000_000, 80_000_000]) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    makeChain(elements);
    const job = await killedWhen((now) => wanted(now) || now.state === 'done', chain);
    if (job.state !== 'done') return job;
  }
  throw new Error('the archive was over before an event told of the phase');
}

/** Runs a service until a job of it is as the caller wants, and kills it there. */
async function killedWhen(wanted: (job: Job) => boolean, archive?: string): Promise<Job> {
  const args = [program, path.join(folder, 'home'), path.join(folder, 'store'), ...(archive === undefined ? [] : [archive])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const job = jobSchema.parse(JSON.parse(line));
    if (!wanted(job)) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    running.delete(child);
    return job;
  }
  throw new Error('the service ended by itself');
}

const sealed = (): number => readdirSync(path.join(folder, 'store', 'snapshots')).length;
function packBytes(): number {
  const packs = path.join(folder, 'store', 'packs');
  const files = readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

describe('a service killed', () => {
  const phases: [string, (job: Job) => boolean][] = [
    ['while the job is queued', ({ state }) => state === 'queued'],
    ['as it begins', ({ state }) => state === 'running'],
    ['while it codes', ({ progress }) => progress.phase === 'archive' && progress.bytesDone > 0],
    ['while it proves', ({ progress }) => progress.phase === 'prove'],
    ['between two snapshots', ({ progress }) => progress.itemsDone === 1],
  ];

  it.each(phases)(
    '%s goes on when it starts again, and everything is sealed and stored once',
    async (_, wanted) => {
      const killed = await killedIn(wanted);
      const done = await killedWhen(({ state }) => state === 'done');
      expect(done.result).toMatchObject({ errors: [] });
      // Killed before it began it is the same job still; a kill may also come a moment late.
      if (killed.state === 'queued') expect([done.id, done.resumes]).toContain(killed.id);
      else expect(done.resumes).toBe(killed.id);
      expect(sealed()).toBe(2);
      const served = await Served.open(folder);
      try {
        if (killed.state !== 'queued') expect((await served.client.call('jobs.get', { id: killed.id })).job.state).toBe('interrupted');
        const verified = await served.ended(served.client.call('verify.start', {}));
        expect(verified.result).toMatchObject({ findings: [], snapshots: 2 });
        const before = packBytes();
        const again = await served.ended(served.client.call('archive.start', { paths: [chain] }));
        expect([again.result?.['snapshots'], packBytes()]).toEqual([[], before]);
      } finally {
        await served.service.close();
      }
    },
    180_000,
  );

  it('again and again is not gone on with for ever', async () => {
    const begins = ({ state }: Job): boolean => state === 'running';
    await killedWhen(begins, chain);
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
