import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prune } from '../../core/jobs/prune.ts';
import { verifyStructure } from '../../core/verify/verify-structure.ts';
import { archive, contentOf, openStore, temporaryFolder } from './examples.ts';

const writer = fileURLToPath(new URL('writer-process.ts', import.meta.url));

/** Runs a writer and kills it some time after its first commit. Returns the ids it said it had committed. */
async function killedWriter(folder: string, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, folder, 'archive'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const running = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      if (said.split('\n').length > 2) resolve();
    });
  });
  await running;
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await once(child, 'close');
  // The last line may be cut off; "open" is the first.
  return said.split('\n').slice(1, -1);
}

describe('a writer that is killed', () => {
  it('leaves every snapshot it committed, and a store that the next writer opens and cleans', async () => {
    const folder = await temporaryFolder();
    const committed: string[] = [];
    for (let round = 0; round < 6; round++) {
      committed.push(...(await killedWriter(folder, Math.random() * 40)));
      const store = await openStore(folder, { create: false });
      expect(store.lockReplaced).toContain('is gone');
      expect(await store.backend.list('temporary')).toEqual([]);
      const ids = await store.snapshotIds();
      for (const id of committed) expect(ids).toContain(id);
      expect((await verifyStructure(store)).findings).toEqual([]);
      await prune(store);
      expect((await verifyStructure(store)).findings).toEqual([]);
      await archive(store, [contentOf(`after round ${round}`)]);
      expect((await store.snapshotIds()).length).toBe(ids.length + 1);
      await store.close();
    }
    expect(committed.length).toBeGreaterThan(6);
  });
});
