import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { addon } from '../../core/codec/binding.ts';
import { elements } from '../../core/codec/elements.ts';
import { codeOf, Folder, itemOf, neverCancelled } from './coding.ts';
import { randomBytes } from './contents.ts';

const folder = new Folder();
afterAll(() => folder.remove());

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('slots', () => {
  it('hold bytes until they are written, piece by piece', () => {
    const slot = addon.hold([text('one'), new Uint8Array(), text('two')]);
    const path = folder.file(text('..........'));
    const pieces = [
      { slotOffset: 3, length: 3, fileOffset: 1 },
      { slotOffset: 0, length: 3, fileOffset: 6 },
    ];
    addon.write({ slot, path, pieces });
    expect(readFileSync(path, 'utf8')).toBe('.two..one.');
  });

  it('are free after a write, after a release, and not before', () => {
    const path = folder.file(new Uint8Array());
    const written = addon.hold([text('a')]);
    addon.write({ slot: written, path, pieces: [] });
    expect(codeOf(() => addon.release(written))).toBe('bad_request');
    const released = addon.hold([text('b')]);
    expect(codeOf(() => addon.release(released))).toBe('nothing was thrown');
    expect(codeOf(() => addon.write({ slot: released, path, pieces: [] }))).toBe('bad_request');
  });

  it('are free after a write that fails, whatever was wrong', () => {
    const path = folder.file(new Uint8Array());
    const requests = [
      { path: folder.newPath(), pieces: [], code: 'not_found' },
      { path, pieces: [{ slotOffset: 2, length: 2, fileOffset: 0 }], code: 'bad_request' },
      { path, pieces: [{ slotOffset: 4, length: 0, fileOffset: 0 }], code: 'bad_request' },
      { path, pieces: [{ slotOffset: 0, length: 2 ** 53, fileOffset: 0 }], code: 'bad_request' },
      { path, pieces: [{ slotOffset: -1, length: 1, fileOffset: 0 }], code: 'bad_request' },
      { path: 7 as unknown as string, pieces: [], code: 'bad_request' },
      { path: folder.path, pieces: [{ slotOffset: 0, length: 1, fileOffset: 0 }], code: 'io' },
    ];
    for (const { code, ...request } of requests) {
      const slot = addon.hold([text('abc')]);
      expect(
        codeOf(() => addon.write({ slot, ...request })),
        JSON.stringify(request),
      ).toBe(code);
      expect(codeOf(() => addon.release(slot))).toBe('bad_request');
    }
  });

  it('give the path with what went wrong', () => {
    const slot = addon.hold([text('abc')]);
    const path = folder.newPath();
    expect(() => addon.write({ slot, path, pieces: [] })).toThrow(expect.objectContaining({ code: 'not_found', path }));
  });

  it('do not leak where encoding fails or is cancelled: far more room is asked for than there is', () => {
    const raw = randomBytes(1 << 20, 1);
    const item = itemOf(folder, raw, { element: elements.bytes8 });
    const many = Array.from({ length: 500 }, () => item);
    const cancelled = neverCancelled();
    cancelled[0] = 1;
    // Each request reserves 500 MiB of address space; all slots together may have 16 GiB.
    for (let round = 0; round < 40; round += 1) {
      expect(codeOf(() => addon.encode({ items: many, cancel: cancelled }))).toBe('cancelled');
      const short = { ...item, source: { ...item.source, offset: raw.length } };
      expect(codeOf(() => addon.encode({ items: [short, ...many], cancel: neverCancelled() }))).toBe('changed');
    }
  });

  it('have an end', () => {
    const slots: number[] = [];
    expect(
      codeOf(() => {
        for (let count = 0; count < 5000; count += 1) slots.push(addon.hold([text('x')]));
      }),
    ).toBe('internal');
    expect(new Set(slots).size).toBe(slots.length);
    slots.forEach((slot) => addon.release(slot));
    expect(codeOf(() => addon.release(addon.hold([text('x')])))).toBe('nothing was thrown');
  });

  it('belong to the process: one thread fills them, another writes them, and threads may end', async () => {
    const path = folder.file(new Uint8Array());
    const binding = new URL('../../core/codec/binding.ts', import.meta.url).href;
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData).then(({ addon }) => parentPort.postMessage(addon.hold([new TextEncoder().encode('from a worker')])));`;
    const slots = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(source, { eval: true, workerData: binding });
        const slot = await new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject));
        await worker.terminate();
        return slot;
      }),
    );
    slots.forEach((slot, index) => addon.write({ slot, path, pieces: [{ slotOffset: 0, length: 13, fileOffset: index * 13 }] }));
    expect(readFileSync(path, 'utf8')).toBe('from a worker'.repeat(4));
  });
});
