import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { ReadHandle, WriteHandle } from '../../core/catalogue/handles.ts';
import { migrations, schemaVersion } from '../../core/catalogue/migrations/registry.ts';
import { z } from 'zod';
import { scanResult, checkpoint, snapshot, storeId, temporaryCatalogue, job } from './records.ts';

const held = temporaryCatalogue();

function fill(): void {
  const catalogue = Catalogue.open(held.path);
  catalogue.saveScan(scanResult([100, 200].map((step) => checkpoint(step))));
  catalogue.saveSnapshots(
    storeId,
    Array.from({ length: 300 }, (_, step) => ({ snapshot: snapshot(step), layout: 'hf-trainer' })),
  );
  catalogue.close();
}

describe('opening a catalogue', () => {
  test('begins one, and finds everything in it again', () => {
    fill();
    const catalogue = held.open();
    expect(catalogue.notice).toBeUndefined();
    expect(catalogue.runSummaries(storeId)).toMatchObject([{ name: 'ft', steps: 300 }]);
  });

  test('two processes may have it open: what one writes the other reads', () => {
    const one = held.open();
    const other = held.open();
    one.saveJob(job('a'), {});
    other.addJobLog('a', { time: new Date(0).toISOString(), level: 'info', message: 'hello' });
    expect(one.jobLog('a')).toHaveLength(1);
    expect(other.jobs(10)).toHaveLength(1);
  });

  test('a newer one is moved aside with one line, and nothing of it is lost', async () => {
    fill();
    const database = new DatabaseSync(held.path);
    database.exec(`PRAGMA user_version = ${schemaVersion + 10}`);
    database.close();
    const catalogue = held.open();
    expect(catalogue.notice).toMatch(/^[^\n]*newer version[^\n]*moved aside[^\n]*$/);
    expect(catalogue.runSummaries(storeId)).toEqual([]);
    const aside = (await readdir(dirname(held.path))).filter((name) => name.includes('.aside-') && !/-(wal|shm)$/.test(name));
    expect(aside).toHaveLength(1);
    const kept = new DatabaseSync(join(dirname(held.path), aside[0]!), { readOnly: true });
    expect(kept.prepare('SELECT count(*) AS count FROM snapshots').get()).toMatchObject({ count: 300 });
    kept.close();
  });

  test.each([
    ['is empty', (path: string) => writeFile(path, ''), false],
    ['is no database', (path: string) => writeFile(path, 'no database at all '.repeat(100)), true],
    ['was cut', (path: string) => truncate(path, 20_000), true],
    ['has a page of noise', async (path: string) => writeFile(path, (await readFile(path)).fill(0xa5, 8192, 12_288)), true],
  ])('a file that %s does not stop it', async (_title, damage, moved) => {
    fill();
    await damage(held.path);
    const catalogue = held.open();
    expect(catalogue.notice !== undefined).toBe(moved);
    catalogue.saveScan(scanResult([checkpoint(100)]));
    expect(catalogue.runSummaries()).toMatchObject([{ name: 'ft', steps: 1 }]);
  });

  test("another program's database is moved aside, not written to", async () => {
    await mkdir(dirname(held.path), { recursive: true });
    const foreign = new DatabaseSync(held.path);
    foreign.exec('CREATE TABLE precious (x)');
    foreign.close();
    expect(held.open().notice).toContain('moved aside');
    expect(await readdir(dirname(held.path))).toEqual(expect.arrayContaining([expect.stringContaining('.aside-')]));
  });

  test('a folder that can not be made is one clear error', async () => {
    await writeFile(join(held.folder, 'home'), 'a file');
    expect(() => held.open()).toThrow(
      expect.objectContaining({ code: 'exists', message: expect.stringContaining('home') as string }) as Error,
    );
  });
});

describe('migrations', () => {
  test('are numbered by tens, ascending', () => {
    expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, at) => (at + 1) * 10));
  });

  test('a catalogue of every earlier version is brought up to date and keeps its rows', async () => {
    for (const [at, migration] of migrations.entries()) {
      const path = join(held.folder, `from-${migration.number}.sqlite`);
      const writer = new WriteHandle(path);
      for (const earlier of migrations.slice(0, at + 1)) writer.script(earlier.sql);
      writer.script(`PRAGMA user_version = ${migration.number}; PRAGMA application_id = ${0x43616972};`);
      writer.run(`INSERT INTO runs (id, path, name, layout, losses) VALUES ('i', '/r', 'r', 'single', '[]')`);
      writer.close();
      await copyFile(path, held.path).catch(async () => (await mkdir(dirname(held.path), { recursive: true }), copyFile(path, held.path)));
      const catalogue = held.open();
      expect(catalogue.notice).toBeUndefined();
      expect(catalogue.reader.get('SELECT count(*) AS count FROM runs', z.object({ count: z.number() }))).toEqual({ count: 1 });
      catalogue.saveSnapshots(storeId, [{ snapshot: snapshot(1), layout: 'x' }]);
      catalogue.close();
    }
  });

  test('every table is strict', () => {
    const tables = held
      .open()
      .reader.all(
        `SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`,
        z.object({ name: z.string(), strict: z.number() }),
      );
    expect(tables.length).toBeGreaterThan(6);
    expect(tables.filter(({ strict }) => strict !== 1)).toEqual([]);
  });
});

describe('handles', () => {
  test('a read handle can not write, and does not offer to', () => {
    fill();
    const reader = new ReadHandle(held.path);
    expect(() => reader.all('DELETE FROM snapshots RETURNING id', z.object({ id: z.string() }))).toThrow(
      expect.objectContaining({ code: 'denied' }) as Error,
    );
    expect('run' in reader || 'transaction' in reader).toBe(false);
    reader.close();
  });

  test('a transaction that fails leaves nothing, also from inside another', () => {
    held.open();
    const writer = new WriteHandle(held.path);
    const add = (id: string) => writer.run(`INSERT INTO jobs VALUES ($id, 'archive', 'queued', '', '{}', '{}')`, { id });
    const count = () => writer.get('SELECT count(*) AS count FROM jobs', z.object({ count: z.number() }))?.count;
    expect(() =>
      writer.transaction(() => {
        add('a');
        writer.transaction(() => add('b'));
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(count()).toBe(0);
    writer.transaction(() => add('c'));
    expect(count()).toBe(1);
    writer.close();
  });

  test('rows that are not what they should be are refused', () => {
    const catalogue = held.open();
    expect(() => catalogue.reader.all('SELECT 1 AS name', z.object({ name: z.string() }))).toThrow(z.ZodError);
  });
});
