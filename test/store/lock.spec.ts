import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { breakLock, heartbeatMs, Lock, lockName, readLock, staleAfterMs, type LockRecord } from '../../core/store/lock.ts';
import { archive, contentOf, manifestOf, openStore, storePack, temporaryFolder } from './examples.ts';

const writer = fileURLToPath(new URL('writer-process.ts', import.meta.url));

async function newBackend(): Promise<LocalBackend> {
  return new LocalBackend(await temporaryFolder());
}

/** Another process that opens the store for writing, says so, and keeps it until it is told to end. */
async function startHolder(folder: string) {
  const child = spawn(process.execPath, [writer, folder, 'hold'], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: line.toString().trim() };
}

/** Puts a lock there as somebody else would have left it. */
async function leaveLock(backend: LocalBackend, changes: Partial<LockRecord>): Promise<void> {
  const lock = await Lock.take(backend);
  const { record } = (await readLock(backend))!;
  await lock.release();
  await writeFile(backend.localPath(lockName), JSON.stringify({ ...record, token: 'f'.repeat(32), ...changes }));
}

const longAgo = new Date(Date.now() - staleAfterMs - 60_000).toISOString();

describe('the lock of a store', () => {
  it('is there while a writer has the store open, and gone after', async () => {
    const folder = await temporaryFolder();
    const store = await openStore(folder);
    const held = await readLock(store.backend);
    expect(held?.record).toMatchObject({ host: hostname(), pid: process.pid });
    expect(held?.staleBecause).toBeUndefined();
    await store.close();
    expect(await readLock(store.backend)).toBeUndefined();
  });

  it('keeps out a second writer of the same process, and says who has it since when and what to do', async () => {
    const store = await openStore(await temporaryFolder());
    onTestFinished(() => store.close());
    await expect(openStore(store.backend.place)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(new RegExp(`process ${process.pid} on .* since \\d{4}-.*; wait .* cairn doctor --break-lock$`)),
    });
    // A reader needs no lock.
    await openStore(store.backend.place, { mode: 'read' });
  });

  it('is had by one of two processes, and by the other once the first was killed', async () => {
    const folder = await temporaryFolder();
    const { child, said } = await startHolder(folder);
    expect(said).toBe('open');
    await expect(openStore(folder)).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining(`process ${child.pid}`) });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openStore(folder);
    expect(store.lockReplaced).toContain(`process ${child.pid} is gone`);
    const second = await startHolder(folder);
    expect(second.said).toBe('locked');
    await store.close();
  });

  it('is had by exactly one of many that find it stale', async () => {
    const backend = await newBackend();
    for (let round = 0; round < 5; round++) {
      await leaveLock(backend, { pid: 2 ** 30 });
      const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => Lock.take(backend)));
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const { reason } of outcomes.filter((outcome) => outcome.status === 'rejected'))
        expect(reason).toMatchObject({ code: 'locked' });
      await won[0]!.value.assertHeld();
      await won[0]!.value.release();
    }
  });

  it.each<[string, Partial<LockRecord>, string]>([
    ['its process is gone', { pid: 2 ** 30 }, 'is gone'],
    ['another process has its id now', { pid: process.pid, processStart: '1' }, "its id is another's now"],
    ['another machine has not renewed it', { host: 'elsewhere', heartbeat: longAgo }, 'not renewed for 11 minutes'],
    ['another container has not renewed it', { pidSpace: 'pid:[1]', heartbeat: longAgo }, 'not renewed for 11 minutes'],
  ])('is stale where %s, and is replaced with a word about it', async (_, changes, why) => {
    const backend = await newBackend();
    await leaveLock(backend, changes);
    expect((await readLock(backend))?.staleBecause).toContain(why);
    const lock = await Lock.take(backend);
    expect(lock.replaced).toContain(why);
    await lock.assertHeld();
    await lock.release();
  });

  it.each<[string, Partial<LockRecord>]>([
    ['its process lives, however old its heartbeat (a suspended machine)', { heartbeat: longAgo }],
    ['another machine renews it', { host: 'elsewhere', pid: 2 ** 30 }],
    ['another container renews it', { pidSpace: 'pid:[1]', pid: 2 ** 30 }],
  ])('is not stale where %s', async (_, changes) => {
    const backend = await newBackend();
    await leaveLock(backend, changes);
    expect((await readLock(backend))?.staleBecause).toBeUndefined();
    await expect(Lock.take(backend)).rejects.toMatchObject({ code: 'locked' });
  });

  it('is respected while it is being written, and replaced where that was cut off', async () => {
    const backend = await newBackend();
    await writeFile(backend.localPath(lockName), '{"host":');
    await expect(Lock.take(backend)).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining('unknown process') });
    const old = new Date(Date.now() - 120_000);
    await utimes(backend.localPath(lockName), old, old);
    await (await Lock.take(backend)).release();
  });

  it('is replaced although an earlier attempt to was killed', async () => {
    const backend = await newBackend();
    await leaveLock(backend, { pid: 2 ** 30 });
    const marker = join(backend.place, 'temporary', `breaking-${'f'.repeat(32)}`);
    await mkdir(join(backend.place, 'temporary'), { recursive: true });
    await writeFile(marker, '');
    await expect(Lock.take(backend)).rejects.toMatchObject({ code: 'locked' });
    const old = new Date(Date.now() - 120_000);
    await utimes(marker, old, old);
    await (await Lock.take(backend)).release();
  });

  it('is renewed while it is held, and never comes back once it was broken', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const backend = await newBackend();
    const lock = await Lock.take(backend);
    const first = (await readLock(backend))!.record!;
    vi.advanceTimersByTime(heartbeatMs);
    await expect.poll(async () => (await readLock(backend))?.record?.heartbeat).not.toBe(first.heartbeat);
    expect((await readLock(backend))?.record).toMatchObject({ token: first.token, started: first.started });
    await breakLock(backend);
    vi.advanceTimersByTime(heartbeatMs);
    // Waits for the renewal that was just started.
    await lock.release();
    expect(await readLock(backend)).toBeUndefined();
    expect(await backend.list('')).toEqual([]);
  });

  it('once broken, lets the former owner change nothing more', async () => {
    const former = await openStore(await temporaryFolder());
    onTestFinished(() => former.close());
    const id = await archive(former, [contentOf('one')]);
    await storePack(former, [contentOf('two')]);
    await breakLock(former.backend);
    const store = await openStore(former.backend.place);
    onTestFinished(() => store.close());
    await expect(former.createPack()).rejects.toMatchObject({ code: 'locked' });
    await expect(former.commit(manifestOf([contentOf('two')]))).rejects.toMatchObject({ code: 'locked' });
    await expect(former.remove(id)).rejects.toMatchObject({ code: 'locked' });
    await former.close();
    // Its close left the new owner's lock alone.
    expect((await readLock(store.backend))?.record?.pid).toBe(process.pid);
    await archive(store, [contentOf('three')]);
  });
});
