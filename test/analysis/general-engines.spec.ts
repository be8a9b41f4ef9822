import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandEngines, libraryEngines, measureGeneral } from '../../core/analysis/general-engines.ts';

const raw = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => (index * index) >> 7));

describe('general compressors', () => {
  it.each(libraryEngines)('$engine gives back what it compressed', async (engine) => {
    const { bytesStored, encodeSeconds, decodeSeconds } = await measureGeneral(engine, raw);
    expect(bytesStored).toBe((await engine.compress(raw)).length);
    expect(Math.min(encodeSeconds, decodeSeconds)).toBeGreaterThan(0);
  });

  it('one that gives back other bytes is not counted', async () => {
    const lossy = {
      engine: 'lossy',
      compress: (bytes: Uint8Array) => Promise.resolve(bytes.subarray(1)),
      decompress: (bytes: Uint8Array) => Promise.resolve(bytes),
    };
    await expect(measureGeneral(lossy, raw)).rejects.toThrow(/^lossy: does not give back/);
  });
});

describe('commands', () => {
  let folder: string;
  const before = process.env['PATH'];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'cairn-engines-'));
    process.env['PATH'] = folder;
  });
  afterEach(() => {
    process.env['PATH'] = before;
    rmSync(folder, { recursive: true });
  });

  const put = (name: string, script: string): void => writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  it('none is taken that the machine does not have', async () => {
    expect(await commandEngines()).toEqual([]);
  });

  it.runIf(process.platform !== 'win32')('one that is there takes bytes and gives them back through pipes', async () => {
    put('xz', 'exec /bin/cat');
    const [engine] = await commandEngines();
    expect(engine!.engine).toBe('xz -6');
    expect(await measureGeneral(engine!, raw)).toMatchObject({ bytesStored: raw.length });
  });

  it.runIf(process.platform !== 'win32')('one that fails is named', async () => {
    put('bzip2', 'exit 3');
    const [engine] = await commandEngines();
    await expect(measureGeneral(engine!, raw)).rejects.toThrow(/^bzip2: ended with 3/);
  });
});
