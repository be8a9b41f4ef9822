/** Checkpoints that were found once are known, as long as their files are what they were. */
import { appendFileSync, cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FoundCheckpoints } from '../../core/analysis/found-checkpoints.ts';

let folder: string;
let run: string;
let found: FoundCheckpoints;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-found-'));
  run = path.join(folder, 'run');
  cpSync('test/fixtures/sample-chain', run, { recursive: true, preserveTimestamps: true });
  found = new FoundCheckpoints();
});
afterEach(() => rmSync(folder, { recursive: true }));

const step = (name: string): string => path.join(run, `step-${name}`);

describe('checkpoints of a run', () => {
  it('are the same ones again while nothing changes', async () => {
    const first = await found.get(run, step('002400'));
    expect(first).toMatchObject({ step: 2400, path: step('002400') });
    expect(await found.get(run, step('002400'))).toBe(first);
    expect(await found.get(run, step('000400'))).toMatchObject({ step: 400 });
  });

  it('are looked at anew once a file changed or one has come', async () => {
    const first = await found.get(run, step('002400'));
    writeFileSync(path.join(step('002400'), 'more.txt'), 'more');
    const second = await found.get(run, step('002400'));
    expect(second.files.length).toBe(first.files.length + 1);
    appendFileSync(path.join(step('002400'), 'more.txt'), 'and more');
    expect((await found.get(run, step('002400'))).files.find((file) => file.path === 'more.txt')!.size).toBe(12);
  });

  it('that came later are found, and one that went is not there any more', async () => {
    renameSync(step('002400'), path.join(folder, 'aside'));
    await expect(found.get(run, step('002400'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await found.get(run, step('002200'))).toMatchObject({ step: 2200 });
    renameSync(path.join(folder, 'aside'), step('002400'));
    expect(await found.get(run, step('002400'))).toMatchObject({ step: 2400 });
    rmSync(step('002200'), { recursive: true });
    await expect(found.get(run, step('002200'))).rejects.toMatchObject({ code: 'not_found' });
  });
});
