/** What a service tells of a store that others change too: at once what it knows, and then what it finds. */
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Run } from '../../core/contract/model.ts';
import { Served } from './served.ts';

let first: Served;
let later: Served | undefined;
let chain: string;

beforeEach(async () => {
  first = await Served.open();
  chain = await first.copyChain();
  expect((await first.ended(first.client.call('archive.start', { paths: [chain] }))).state).toBe('done');
});
afterEach(async () => {
  await later?.service.close();
  later = undefined;
  await first.release();
});

const sealed = ({ chain }: Pick<Run, 'chain'>): number => chain.filter(({ snapshot }) => snapshot).length;
const archived = async (served: Served): Promise<number> => (await served.client.call('runs.list', {})).runs[0]?.archived ?? 0;

/** Behind the back of every service, as another machine does. */
async function hideNewest(): Promise<() => void> {
  const { snapshots } = await first.client.call('snapshots.list', {});
  const manifest = path.join(first.storePath, 'snapshots', `${snapshots.at(-1)!.id}.manifest`);
  renameSync(manifest, path.join(first.folder, 'hidden'));
  return () => renameSync(path.join(first.folder, 'hidden'), manifest);
}

describe('a service that stays', () => {
  it('answers at once from its catalogue, looks behind that, and tells its clients of what it found', async () => {
    await first.service.close();
    const reopened = await Served.open(first.folder); // closes the list as it was
    await reopened.service.close();
    first = await Served.open(first.folder);
    const comeBack = await hideNewest();
    later = await Served.open(first.folder, { stays: true });
    const changes = later.collect('catalogue.changed');
    expect(await archived(later)).toBeGreaterThanOrEqual(3);
    await expect.poll(() => changes.length).toBeGreaterThan(0);
    expect(await archived(later)).toBe(3);
    comeBack();
    await expect.poll(() => archived(later!)).toBe(4);
    expect(changes.length).toBeGreaterThan(1);
  });

  it('waits for the look where its catalogue knows nothing of the store yet', async () => {
    await first.service.close();
    for (const end of ['', '-wal', '-shm']) rmSync(path.join(first.folder, 'home', `catalogue.sqlite${end}`), { force: true });
    first = await Served.open(first.folder, { stays: true });
    expect(await archived(first)).toBe(4);
  });

  it('has what it archived itself in its very next answer', async () => {
    later = await Served.open(first.folder, { stays: true });
    const { runs } = await later.client.call('runs.list', {});
    await later.ended(
      later.client.call('remove.start', { snapshots: (await later.client.call('snapshots.list', {})).snapshots.map(({ id }) => id) }),
    );
    expect(await archived(later)).toBe(0);
    await later.ended(later.client.call('archive.start', { paths: [chain] }));
    expect(await archived(later)).toBe(4);
    expect(sealed((await later.client.call('runs.get', { id: runs[0]!.id })).run)).toBe(4);
  });
});

describe('a service for one command', () => {
  it('looks before it answers', async () => {
    const comeBack = await hideNewest();
    later = await Served.open(first.folder);
    expect(await archived(later)).toBe(3);
    comeBack();
    await later.service.close();
    later = await Served.open(first.folder);
    expect(await archived(later)).toBe(4);
  });
});
