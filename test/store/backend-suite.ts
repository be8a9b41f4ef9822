/** What every backend of a store promises. A new backend is added by one call of this. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../core/store/backends/backend.ts';

const bytes = (text: string) => Buffer.from(text);

/** @param make an empty backend, cleaned up by its maker */
export function describeBackend(name: string, make: () => Promise<Backend>): void {
  /** A published file. */
  async function publish(backend: Backend, fileName: string, content: Uint8Array): Promise<void> {
    const temporary = await backend.createTemporary();
    await backend.writeAt(temporary, 0, content);
    await backend.publish(temporary, fileName);
  }

  describe(`the backend "${name}"`, () => {
    it('is empty at first, and says so', async () => {
      const backend = await make();
      expect(await backend.list('')).toEqual([]);
      expect(await backend.list('packs')).toEqual([]);
      expect(await backend.stat('packs/ab/x.pack')).toBeUndefined();
      await expect(backend.readRange('packs/ab/x.pack', 0, 1)).rejects.toMatchObject({ code: 'not_found' });
      await expect(backend.readWhole('lock', 10)).rejects.toMatchObject({ code: 'not_found' });
      expect(await backend.freeBytes()).toBeGreaterThan(0);
    });

    it('publishes a temporary file under its name, whole', async () => {
      const backend = await make();
      const temporary = await backend.createTemporary();
      expect(temporary).toMatch(/^temporary\//);
      await backend.writeAt(temporary, 4, bytes('world'));
      await backend.writeAt(temporary, 0, bytes('hell'));
      await backend.sync(temporary);
      expect(await backend.list('packs')).toEqual([]);
      await backend.publish(temporary, 'packs/ab/x.pack');
      expect(await backend.list('')).toEqual(['packs/ab/x.pack']);
      expect(await backend.readWhole('packs/ab/x.pack', 9)).toEqual(new Uint8Array(bytes('hellworld')));
      expect(await backend.stat('packs/ab/x.pack')).toMatchObject({ sizeBytes: 9 });
    });

    it('gives each temporary file a name of its own', async () => {
      const backend = await make();
      const names = await Promise.all(Array.from({ length: 20 }, () => backend.createTemporary()));
      expect(new Set(names).size).toBe(20);
    });

    it('knows when a name came or went in a folder, or says that nothing keeps that', async () => {
      const backend = await make();
      expect(await backend.changedMs('snapshots')).toBeUndefined();
      await publish(backend, 'snapshots/a.manifest', bytes('a'));
      const before = await backend.changedMs('snapshots');
      if (before === undefined) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await publish(backend, 'snapshots/b.manifest', bytes('b'));
      const after = await backend.changedMs('snapshots');
      expect(after).toBeGreaterThan(before);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await backend.remove('snapshots/a.manifest');
      expect(await backend.changedMs('snapshots')).toBeGreaterThan(after!);
    });

    it('refuses to overwrite', async () => {
      const backend = await make();
      await publish(backend, 'snapshots/a.manifest', bytes('first'));
      await expect(publish(backend, 'snapshots/a.manifest', bytes('second'))).rejects.toMatchObject({ code: 'exists' });
      expect(await backend.readWhole('snapshots/a.manifest', 100)).toEqual(new Uint8Array(bytes('first')));
    });

    it('writes to nothing but temporary files', async () => {
      const backend = await make();
      await publish(backend, 'snapshots/a.manifest', bytes('first'));
      await expect(backend.writeAt('snapshots/a.manifest', 0, bytes('x'))).rejects.toMatchObject({ code: 'internal' });
      await expect(backend.truncate('snapshots/a.manifest', 0)).rejects.toMatchObject({ code: 'internal' });
      const temporary = await backend.createTemporary();
      await backend.writeAt(temporary, 0, bytes('longer'));
      await backend.truncate(temporary, 4);
      expect(await backend.readWhole(temporary, 10)).toEqual(new Uint8Array(bytes('long')));
    });

    it('reads ranges exactly, and never past the end', async () => {
      const backend = await make();
      await publish(backend, 'packs/ab/x.pack', bytes('0123456789'));
      expect(await backend.readRange('packs/ab/x.pack', 3, 4)).toEqual(new Uint8Array(bytes('3456')));
      expect(await backend.readRange('packs/ab/x.pack', 10, 0)).toEqual(new Uint8Array());
      await expect(backend.readRange('packs/ab/x.pack', 8, 3)).rejects.toMatchObject({ code: 'damaged' });
      await expect(backend.readRange('packs/ab/x.pack', 0, 2 ** 50)).rejects.toMatchObject({ code: 'damaged' });
      await expect(backend.readWhole('packs/ab/x.pack', 9)).rejects.toMatchObject({ code: 'damaged' });
    });

    it('lists below a folder, sorted, with whole names', async () => {
      const backend = await make();
      for (const file of ['packs/cd/y.pack', 'packs/ab/x.pack', 'snapshots/a.manifest']) await publish(backend, file, bytes(file));
      expect(await backend.list('packs')).toEqual(['packs/ab/x.pack', 'packs/cd/y.pack']);
      expect(await backend.list('')).toEqual(['packs/ab/x.pack', 'packs/cd/y.pack', 'snapshots/a.manifest']);
    });

    it('removes, also what is gone already', async () => {
      const backend = await make();
      await publish(backend, 'packs/ab/x.pack', bytes('x'));
      await backend.remove('packs/ab/x.pack');
      await backend.remove('packs/ab/x.pack');
      await backend.remove('packs/zz/never.pack');
      expect(await backend.list('')).toEqual([]);
    });

    it('creates a file exclusively: one of many callers wins', async () => {
      const backend = await make();
      const won = await Promise.all(Array.from({ length: 10 }, (_, caller) => backend.createExclusive('lock', bytes(`caller ${caller}`))));
      expect(won.filter(Boolean)).toHaveLength(1);
      const content = Buffer.from(await backend.readWhole('lock', 100)).toString();
      expect(content).toBe(`caller ${won.indexOf(true)}`);
    });

    it('replaces whole: a reader sees the old bytes or the new', async () => {
      const backend = await make();
      const contents = [bytes('a'.repeat(3000)), bytes('b'.repeat(5))];
      await backend.createExclusive('lock', contents[0]!);
      let writing = true;
      const writer = (async () => {
        for (let round = 0; round < 30; round++) await backend.replace('lock', contents[round % 2]!);
        writing = false;
      })();
      while (writing) {
        const seen = Buffer.from(await backend.readWhole('lock', 5000));
        expect(contents.some((content) => content.equals(seen))).toBe(true);
      }
      await writer;
      expect(await backend.list('')).toEqual(['lock']);
    });

    it.each(['../x', '/etc/passwd', 'packs/../../x', 'packs//x', 'a\\b', '', '.', 'packs/.', 'x\0y'])(
      'refuses the name %j',
      async (unsafe) => {
        const backend = await make();
        await expect((async () => backend.localPath(unsafe))()).rejects.toMatchObject({ code: 'internal' });
        await expect(backend.readWhole(unsafe, 10)).rejects.toMatchObject({ code: 'internal' });
        await expect(backend.remove(unsafe)).rejects.toMatchObject({ code: 'internal' });
      },
    );
  });
}
