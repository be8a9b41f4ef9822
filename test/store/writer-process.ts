/**
 * A writer of its own process, for the tests of lock and crash: `node writer-process.ts FOLDER hold` opens the store and
 * keeps it until stdin ends; with `archive` it commits one snapshot after another until it is killed, and prints each id.
 */
import { elements } from '../../core/codec/elements.ts';
import { CairnError } from '../../core/contract/errors.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { toHex } from '../../core/store/hashing.ts';
import { Store } from '../../core/store/store.ts';
import { crc32c, hashing } from './hashing.ts';

const [folder, task] = process.argv.slice(2) as [string, 'hold' | 'archive'];

async function archiveOne(store: Store, step: number): Promise<string> {
  const contents = [0, 1, 2].map((index) => Buffer.from(`content ${index} of step ${step} of process ${process.pid}`));
  const digests = contents.map((content) => toHex(hashing.digestBytes(content)));
  const pack = await store.createPack();
  for (const [index, content] of contents.entries()) {
    const block = Buffer.concat([Uint8Array.of(0), content]);
    const offset = pack.reserve(block.length);
    await pack.write(offset, block);
    pack.add({
      ...{
        digest: digests[index]!,
        rawLength: content.length,
        offset,
        storedLength: block.length,
        element: elements.bytes8,
        blockLog2: 22,
      },
      ...{ coding: 'bytes', needs: [], lengths: Uint32Array.of(block.length), checksums: Uint32Array.of(crc32c(block)) },
    });
  }
  await pack.finish();
  const now = new Date().toISOString();
  return store.commit({
    ...{
      created: now,
      run: { name: 'crash', path: '/runs/crash', layout: 'folders' },
      step,
      path: `step-${step}`,
      time: now,
      method: 'cairn',
      depth: 0,
    },
    ...{ bytesOriginal: contents.reduce((sum, { length }) => sum + length, 0), bytesStored: 0, blobs: digests, new: [0, 1, 2] },
    files: contents.map((content, index) => ({
      ...{
        path: `file-${index}`,
        size: content.length,
        mode: 0o644,
        mtimeNs: '0',
        digest: digests[index]!,
        format: 'bytes',
        rest: index,
        parts: [],
      },
    })),
    ...{ folders: [], links: [], tensors: [] },
  });
}

try {
  const store = await Store.open({ backend: new LocalBackend(folder), hashing, mode: 'write', create: true });
  process.stdout.write('open\n');
  if (task === 'archive') for (let step = 0; ; step++) process.stdout.write(`${await archiveOne(store, step)}\n`);
  process.stdin.resume();
  process.stdin.on('end', () => void store.close());
} catch (thrown) {
  if (!(thrown instanceof CairnError)) throw thrown;
  process.stdout.write(`${thrown.code}\n`);
}
