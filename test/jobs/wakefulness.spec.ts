/** The machine is kept awake by a program that stands in for logind's: it writes down that it was started, and when it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wordsOf } from '../../core/jobs/asked.ts';
import { Wakefulness } from '../../core/jobs/wakefulness.ts';
import { Served, writeRun } from '../service/served.ts';

const pathBefore = process.env['PATH'];
let folder: string;

beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-awake-'))));
afterEach(() => {
  process.env['PATH'] = pathBefore;
  rmSync(folder, { recursive: true });
});

const diary = (): string[] => {
  const file = path.join(folder, 'diary');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

/** @param refused a mode that this user may not have */
function standIn(refused = 'none'): void {
  const lines = [
    '#!/bin/sh',
    `case "$*" in *--mode=${refused}*) echo refused >> ${folder}/diary; exit 1;; esac`,
    `echo "$*" >> ${folder}/diary`,
    "trap '' TERM",
    'for last; do :; done',
    '"$last"', // the command that it is given, for as long as that runs
    `echo over >> ${folder}/diary`,
    '',
  ];
  writeFileSync(path.join(folder, 'systemd-inhibit'), lines.join('\n'), { mode: 0o755 });
  process.env['PATH'] = `${folder}${path.delimiter}${pathBefore}`;
}

const asked = (mode: string): string => `--what=sleep --who=Cairn --why=A checkpoint is being committed or released --mode=${mode} cat`;

describe.runIf(process.platform === 'linux')('sleep', () => {
  it('is prevented while a service commits and releases, and no longer', async () => {
    standIn();
    const served = await Served.open(undefined, { stays: true });
    try {
      const run = path.join(served.folder, 'run');
      await writeRun(run, 'weight', 1000);
      const { state, result } = await served.ended(served.client.call('archive.start', { paths: [run], release: { keepNewest: 0 } }));
      expect([state, (result?.['released'] as unknown[]).length]).toEqual(['done', 1]);
      await expect.poll(diary).toEqual([asked('block'), 'over']);
    } finally {
      await served.release();
    }
  });

  it('is left to the shell where there is one', async () => {
    standIn();
    const served = await Served.open(undefined, { isKeptAwake: true });
    const run = path.join(served.folder, 'run');
    await writeRun(run, 'weight', 1000);
    await served.ended(served.client.call('archive.start', { paths: [run] }));
    await served.release();
    expect(diary()).toEqual([]);
  });

  it('is delayed where it may not be forbidden', async () => {
    standIn('block');
    const wakefulness = new Wakefulness();
    wakefulness.keep(true);
    await expect.poll(diary).toEqual(['refused', asked('delay')]);
    wakefulness.close();
    await expect.poll(diary).toEqual(['refused', asked('delay'), 'over']);
  });

  it('is not asked for again at every commit where that can’t be had', async () => {
    process.env['PATH'] = folder;
    const wakefulness = new Wakefulness();
    wakefulness.keep(true);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    wakefulness.close();
    standIn();
    wakefulness.keep(true);
    wakefulness.close();
    expect(diary()).toEqual([]);
  });

  it('that can’t be prevented at all harms no job', async () => {
    symlinkSync(path.join(folder, 'systemd-inhibit'), path.join(folder, 'systemd-inhibit'));
    process.env['PATH'] = folder;
    const wakefulness = new Wakefulness();
    wakefulness.keep(true);
    wakefulness.close();
    expect(await wordsOf('systemd-inhibit', ['--list'])).toBe('');
  });

  it('comes again when the process that prevented it is killed', async () => {
    standIn();
    const module = pathToFileURL(path.resolve('core/jobs/wakefulness.ts')).href;
    const text = `import(${JSON.stringify(module)}).then(({ Wakefulness }) => new Wakefulness().keep(true)); setInterval(() => 0, 1000)`;
    const child = spawn(process.execPath, ['-e', text], { stdio: 'ignore' });
    const gone = once(child, 'exit');
    await expect.poll(diary).toEqual([asked('block')]);
    child.kill('SIGKILL');
    await gone;
    await expect.poll(diary).toEqual([asked('block'), 'over']);
  });
});
