/** Releasing originals: what may go goes, and everything that gives reason to doubt stays. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setModified } from '../../core/codec/file-times.ts';
import { openedBy } from '../../core/jobs/open-files.ts';
import { picture } from './files.ts';
import { Served } from '../service/served.ts';

interface Outcome {
  snapshots: { id: string }[];
  released: { path: string; step: number; undo: string }[];
  kept: { path: string; reason: string }[];
}

let served: Served;
let chain: string;
beforeEach(async () => {
  served = await Served.open();
  chain = await served.copyChain();
});
afterEach(() => served.release());

const steps = ['step-000400', 'step-002000', 'step-002200', 'step-002400'];
const here = (): string[] => readdirSync(chain).sort();
async function release(more: object = {}, params: object = {}): Promise<Outcome> {
  const job = await served.ended(served.client.call('archive.start', { paths: [chain], release: more, ...params }));
  expect(job.error).toBeUndefined();
  return job.result as unknown as Outcome;
}
const reasonFor = (outcome: Outcome, step: string): string | undefined => outcome.kept.find(({ path: at }) => at.endsWith(step))?.reason;

describe('releasing', () => {
  it('removes sealed originals but the newest, and a restore gives them back to the byte, mode and time', async () => {
    const before = picture(chain);
    const outcome = await release({ placeholder: true });
    expect(outcome.released.map(({ step }) => step)).toEqual([400, 2000, 2200]);
    expect(outcome.kept).toEqual([{ path: path.join(chain, 'step-002400'), reason: 'it is among the newest 1 of its run' }]);
    expect(here()).toEqual([...steps.slice(0, 3).map((step) => `${step}.released.txt`), 'step-002400']);
    expect(readFileSync(path.join(chain, 'step-000400.released.txt'), 'utf8')).toContain(outcome.released[0]!.undo);
    for (const [index, { path: at }] of outcome.released.entries()) {
      const id = outcome.snapshots[index]!.id;
      const restored = await served.ended(served.client.call('restore.start', { snapshot: id, to: at }));
      expect(restored.state).toBe('done');
    }
    const files = (all: typeof before): typeof before =>
      Object.fromEntries(Object.entries(all).filter(([, { bytes }]) => bytes !== 'folder'));
    expect(files(picture(chain))).toEqual(files(before));
  });

  it('leaves its placeholder while only some of the files are back', async () => {
    const [{ id }] = (await release({ placeholder: true })).snapshots as [{ id: string }];
    const to = path.join(chain, 'step-000400');
    const word = `${to}.released.txt`;
    const restored = (more: object) => served.ended(served.client.call('restore.start', { snapshot: id, to, ...more }));
    expect((await restored({ files: '*.json' })).state).toBe('done');
    expect(existsSync(word)).toBe(true);
    expect((await restored({ force: true })).state).toBe('done');
    expect(existsSync(word)).toBe(false);
  });

  it('leaves a text file of the same name alone that is not its own', async () => {
    const [{ id }] = (await release({ placeholder: true })).snapshots as [{ id: string }];
    const word = path.join(chain, 'step-000400.released.txt');
    writeFileSync(word, 'mine');
    await served.ended(served.client.call('restore.start', { snapshot: id, to: path.join(chain, 'step-000400') }));
    expect(readFileSync(word, 'utf8')).toBe('mine');
  });

  it.runIf(process.platform === 'linux')('moves originals to the trash where that is asked for', async () => {
    const before = process.env['XDG_DATA_HOME'];
    process.env['XDG_DATA_HOME'] = path.join(served.folder, 'data');
    try {
      const outcome = await release({ trash: true });
      expect(outcome.released.map(({ step }) => step)).toEqual([400, 2000, 2200]);
      expect(here()).toEqual(['step-002400']);
      const trashed = readdirSync(path.join(served.folder, 'data', 'Trash', 'files'));
      expect(trashed).toHaveLength(3);
    } finally {
      if (before === undefined) delete process.env['XDG_DATA_HOME'];
      else process.env['XDG_DATA_HOME'] = before;
    }
  });

  it('of what was archived before happens too, and the count of the newest is that of the run', async () => {
    await served.ended(served.client.call('archive.start', { paths: [chain] }));
    const outcome = await release({ keepNewest: 2 });
    expect(outcome.snapshots).toEqual([]);
    expect(here()).toEqual(steps.slice(2));
    expect((await release({ keepNewest: 0 })).released.length).toBe(2);
    expect(here()).toEqual([]);
  });

  it('decodes what an earlier job archived before it removes anything', async () => {
    await served.ended(served.client.call('archive.start', { paths: [chain] }));
    for (const name of readdirSync(path.join(served.storePath, 'packs'), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.pack')) continue;
      const pack = path.join(served.storePath, 'packs', name);
      const bytes = readFileSync(pack);
      bytes[1000]! ^= 1;
      writeFileSync(pack, bytes);
    }
    const outcome = await release({ keepNewest: 0 });
    expect(outcome.released).toEqual([]);
    expect(reasonFor(outcome, 'step-000400')).toBe('a content of its snapshot is damaged in the store; run cairn repair');
    expect(here()).toEqual(steps);
  });

  it('goes no further than the run and the steps that the archive was asked for', async () => {
    const other = await served.copyChain('other');
    await served.ended(served.client.call('archive.start', { paths: [served.folder] }));
    const step = await release({}, { paths: [served.folder], run: 'run', steps: [400] });
    expect(step.released.map(({ path: at }) => at)).toEqual([path.join(chain, 'step-000400')]);
    const rest = await release({}, { paths: [served.folder], run: 'run' });
    expect(rest.released.map(({ step: number }) => number)).toEqual([2000, 2200]);
    expect([here(), readdirSync(other)]).toEqual([['step-002400'], steps]);
  });

  it('of one checkpoint keeps it where it is the newest of its run', async () => {
    const outcome = await release({}, { paths: [path.join(chain, 'step-002400')] });
    expect([outcome.released, reasonFor(outcome, 'step-002400')]).toEqual([[], 'it is among the newest 1 of its run']);
    expect(here()).toEqual(steps);
  });
});

describe('an original stays', () => {
  beforeEach(async () => {
    await served.ended(served.client.call('archive.start', { paths: [chain] }));
  });
  const model = (step: string): string => path.join(chain, step, 'model.safetensors');

  it('where its bytes changed behind an unchanged size and time', async () => {
    const file = model('step-000400');
    const { mtimeNs, size } = statSync(file, { bigint: true });
    const bytes = readFileSync(file);
    bytes[Number(size) - 5]! ^= 1;
    writeFileSync(file, bytes);
    setModified(file, mtimeNs);
    const outcome = await release();
    expect(reasonFor(outcome, 'step-000400')).toBe('model.safetensors does not hold what was archived');
    expect(readFileSync(file)).toEqual(bytes);
  });

  it('where a file lies beside it that the snapshot lacks', async () => {
    mkdirSync(path.join(chain, 'step-000400', 'notes'));
    const outcome = await release();
    expect(reasonFor(outcome, 'step-000400')).toBe('it holds notes, which the snapshot does not');
    expect(here()).toEqual(['step-000400', 'step-002400']);
  });

  it.runIf(process.platform === 'linux')('where another process has it open', async () => {
    const file = model('step-000400');
    const reader = spawn(process.execPath, [
      '-e',
      `require('fs').openSync(${JSON.stringify(file)}); console.log('open'); setInterval(() => {}, 1000)`,
    ]);
    await new Promise((resolve) => reader.stdout.once('data', resolve));
    expect(await openedBy([file])).toEqual({ process: reader.pid, file });
    const outcome = await release();
    reader.kill();
    expect(reasonFor(outcome, 'step-000400')).toContain(`process ${reader.pid} has ${file} open`);
    expect(existsSync(file)).toBe(true);
    expect(await openedBy([path.join(served.folder, 'nothing')])).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('where another process has it open under another path, as in a container', async () => {
    const file = model('step-000400');
    const inside = path.join(served.folder, 'mounted', 'model.safetensors');
    mkdirSync(path.dirname(inside));
    linkSync(file, inside);
    const reader = spawn(process.execPath, [
      '-e',
      `require('fs').openSync(${JSON.stringify(inside)}); console.log('open'); setInterval(() => {}, 1000)`,
    ]);
    await new Promise((resolve) => reader.stdout.once('data', resolve));
    const outcome = await release();
    reader.kill();
    expect(reasonFor(outcome, 'step-000400')).toBe(`process ${reader.pid} has ${file} open`);
  });

  it('where the store lost a pack', async () => {
    for (const name of readdirSync(path.join(served.storePath, 'packs'), { recursive: true, encoding: 'utf8' })) {
      const at = path.join(served.storePath, 'packs', name);
      if (statSync(at).isFile()) renameSync(at, path.join(served.folder, path.basename(name)));
    }
    const again = await Served.open(served.folder);
    const job = await again.ended(again.client.call('archive.start', { paths: [chain], release: {} }));
    await again.service.close();
    expect((job.result as unknown as Outcome | undefined)?.released ?? []).toEqual([]);
    expect(here()).toEqual(steps);
  });

  it('until it is archived anew, where it grew', async () => {
    appendFileSync(path.join(chain, 'step-002000', 'config.json'), ' ');
    const outcome = await release();
    expect(outcome.snapshots.length).toBe(1);
    expect(readdirSync(chain)).toEqual(['step-002400']);
  });
});

it('what an earlier release had renamed away is finished by the next, and nothing else of such a name', async () => {
  const { snapshots } = await release({ keepNewest: 4 });
  const doomed = path.join(chain, `.cairn-releasing-${snapshots[0]!.id}`);
  renameSync(path.join(chain, 'step-000400'), doomed);
  mkdirSync(path.join(chain, '.cairn-releasing-of-somebody'));
  const changed = path.join(chain, `.cairn-releasing-${snapshots[1]!.id}`);
  renameSync(path.join(chain, 'step-002000'), changed);
  appendFileSync(path.join(changed, 'config.json'), ' ');
  await release({ keepNewest: 4 }, { paths: [path.join(chain, 'step-002400')] });
  expect(here()).toEqual([path.basename(changed), '.cairn-releasing-of-somebody', ...steps.slice(2)].sort());
});
