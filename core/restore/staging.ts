/**
 * The temporary folder that a restore decodes into, below its target so that files can be renamed from it. Its name
 * tells whose it is; what a killed restore left is removed by the next one to the same target.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

const prefix = '.cairn-restore';
const pattern = /^\.cairn-restore-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/;
const thisHost = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'ESRCH';
  }
}

async function removeLeftovers(target: string): Promise<void> {
  for (const name of await readdir(target)) {
    const [, host, pid] = pattern.exec(name) ?? [];
    if (host === thisHost && isGone(Number(pid))) await rm(path.join(target, name), { recursive: true, force: true });
  }
}

/** Runs `work` with a folder of its own below `target`, which exists, and removes that folder afterwards. */
export async function withStaging<T>(target: string, work: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftovers(target);
  const folder = path.join(target, `${prefix}-${thisHost}-${process.pid}-${randomBytes(6).toString('hex')}`);
  await mkdir(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
