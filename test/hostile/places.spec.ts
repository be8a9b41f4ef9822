/** Folders that can't be written, disks that fill up, stores that are another's: one line each, and nothing is lost. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { hashing } from '../../core/codec/hashing.ts';
import { LocalBackend } from '../../core/store/backends/local.ts';
import { Store } from '../../core/store/store.ts';
import { Bench } from '../jobs/context.ts';
import { picture } from '../jobs/files.ts';
import { cairn, expectOneLine, expectSound, unprivileged } from './command.ts';

let bench: Bench;
let chain: string;
const undo: (() => void)[] = [];
beforeEach(() => {
  bench = new Bench();
  // Others than root must be able to look into what mkdtemp made.
  chmodSync(bench.folder, 0o755);
  chain = bench.copyChain();
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) step();
  await bench.close();
});

/** Makes a folder and all below it unwritable until the test is over. */
function makeReadOnly(folder: string): void {
  execFileSync('chmod', ['-R', 'a-w,a+rX', folder]);
  undo.push(() => execFileSync('chmod', ['-R', 'u+w', folder]));
}

/** A folder in which anybody may write. */
function open(name: string): string {
  const folder = bench.path(name);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  return folder;
}

describe('a folder that can not be written', () => {
  const as = (home: string) => ({ nodeOptions: unprivileged, home });

  it('as store takes nothing, and is read all the same', async () => {
    await bench.archive({ paths: [chain], steps: [400] });
    makeReadOnly(bench.storePath);
    const home = open('other-home');
    expectOneLine(await cairn(bench, ['archive', chain], as(home)), /denied|refused/);
    expectOneLine(await cairn(bench, ['prune'], as(home)), /denied|refused/);
    expect(await cairn(bench, ['verify'], as(home))).toMatchObject({ exitCode: 0, stderr: '' });
    const target = path.join(open('target'), 'back');
    expect(await cairn(bench, ['restore', 'run@400', '--to', target], as(home))).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readFileSync(path.join(target, 'config.json')).equals(readFileSync(path.join(chain, 'step-000400/config.json')))).toBe(true);
    await expectSound(bench);
  });

  it.each(['', 'inner'])(
    'as an original in the folder “%s” stays where it is, whole, and the next release looks at it again',
    async (inner) => {
      const step = path.join(chain, 'step-000400');
      if (inner !== '') mkdirSync(path.join(step, inner));
      writeFileSync(path.join(step, inner, 'notes.txt'), 'notes');
      await bench.archive({ paths: [chain] });
      chmodSync(chain, 0o777);
      execFileSync('chown', ['-R', '65534', chain]);
      makeReadOnly(path.join(step, inner));
      const before = picture(chain);
      const home = open('other-home');
      execFileSync('chown', ['-R', '65534', bench.storePath]);
      for (const _ of ['first', 'again']) {
        const ran = await cairn(bench, ['archive', chain, '--step', '400', '--release'], as(home));
        expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
        expect(ran.stdout).toMatch(/original kept: .*step-000400, .*denied/);
        expect(readdirSync(chain).sort()).toEqual(['step-000400', 'step-002000', 'step-002200', 'step-002400']);
        expect(picture(chain)).toEqual(before);
      }
    },
  );

  it('as place for a new store, for a restore or for the state is named in one line', async () => {
    await bench.archive({ paths: [chain], steps: [400] });
    const closed = bench.path('closed');
    mkdirSync(closed);
    makeReadOnly(closed);
    const home = open('other-home');
    const inClosed = ['--store', path.join(closed, 'store'), '--home', home];
    expectOneLine(await cairn(bench, ['archive', chain, ...inClosed], as(home)), /closed.*(denied|refused)/);
    expectOneLine(await cairn(bench, ['restore', 'run@400', '--to', path.join(closed, 'back')], as(home)), /closed.*(denied|refused)/);
    expectOneLine(await cairn(bench, ['ls'], as(path.join(closed, 'home'))), /closed.*(denied|refused)/);
    expect(readdirSync(closed)).toEqual([]);
    await expectSound(bench);
  });

  it('or a file that can not be read, is named, and the other checkpoints are archived', async () => {
    const home = open('other-home');
    const store = path.join(open('place'), 'store');
    const secret = path.join(chain, 'step-002000/model.safetensors');
    chmodSync(secret, 0);
    const ran = await cairn(bench, ['archive', chain, '--store', store], as(home));
    expectOneLine(ran, /step-002000.*model\.safetensors/);
    expect(await cairn(bench, ['verify', '--store', store], as(home))).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(path.join(store, 'snapshots'))).toHaveLength(3);
  });
});

/** Where this process may mount: a disk of that size. Undefined where it may not. */
function smallDisk(folder: string, sizeKib: number): { grow(): void } | undefined {
  mkdirSync(folder, { recursive: true });
  const mount = (options: string): number | null =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' }).status;
  if (mount(`size=${sizeKib}k`) !== 0) return undefined;
  undo.push(() => void spawnSync('umount', ['-l', folder]));
  return { grow: () => void mount('remount,size=64m') };
}

/** Runs the command line with a limit to the size of any file that it writes. */
const limited = (
  args: string[],
  blocks: number,
): { stderr: string; stdout: string; status: number | null; signal: NodeJS.Signals | null } =>
  spawnSync('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, path.resolve('core/host/cli.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, CAIRN_HOME: bench.path('home'), CAIRN_STORE: bench.storePath },
  });

describe('a disk that fills up', () => {
  it('or a limit to the size of files ends an archive in one line, and the next run completes it', async () => {
    // 256 KiB are enough for the catalogue and too little for a pack of the first step.
    const { status, signal, stderr, stdout } = limited(['archive', chain, '--step', '400'], 512);
    expectOneLine({ exitCode: status, signal, stderr, stdout, records: [] }, /too large|larger|full|quota|limit/);
    expect(readdirSync(path.join(bench.storePath, 'temporary'))).toEqual([]);
    expect(existsSync(path.join(bench.storePath, 'lock'))).toBe(false);
    await expectSound(bench);
    expect((await bench.archive({ paths: [chain] })).snapshots).toHaveLength(4);
    await expectSound(bench);
  });

  it('lets look at jobs, schedules and snapshots of a service that runs, and says in one line why nothing can be changed', async () => {
    const home = bench.path('home');
    if (!smallDisk(home, 4000)) return expect((await cairn(bench, ['jobs'])).exitCode).toBe(0); // not root here
    expect((await cairn(bench, ['archive', chain])).exitCode).toBe(0);
    expect((await cairn(bench, ['schedule', 'add', 'nightly', chain, '--cron', '0 3 * * *'])).exitCode).toBe(0);
    const held = Catalogue.open(path.join(home, 'catalogue.sqlite')); // as a service has it
    undo.push(() => held.close());
    spawnSync('dd', ['if=/dev/zero', `of=${path.join(home, 'fill')}`, 'bs=4096'], { stdio: 'ignore' });
    for (const words of [['jobs'], ['ls'], ['schedule', 'ls'], ['schedule', 'history', 'nightly'], ['manners']])
      expect(await cairn(bench, words)).toMatchObject({ exitCode: 0, stderr: '' });
    expectOneLine(await cairn(bench, ['jobs', '--pause']), /the disk is full; free some space/);
  });

  it('keeps what was sealed, says what is missing, and goes on once there is room', async () => {
    // Room for two steps, and then not for the most that a third may take.
    const disk = smallDisk(bench.storePath, 3000);
    if (!disk) {
      // Not root here: the same with what any process may do to itself, a limit between the largest packs and the others.
      const { status, signal, stderr, stdout } = limited(['archive', chain, '--keyframe'], 1100);
      expectOneLine({ exitCode: status, signal, stderr, stdout, records: [] }, /too large|larger|full|quota|limit/);
    } else {
      const ran = await cairn(bench, ['archive', chain]);
      expectOneLine(ran, /full|space/);
      const sealed = readdirSync(path.join(bench.storePath, 'snapshots')).length;
      expect(sealed).toBeGreaterThan(0);
      expect(sealed).toBeLessThan(4);
      disk.grow();
    }
    expect(readdirSync(path.join(bench.storePath, 'temporary'))).toEqual([]);
    await expectSound(bench);
    expect(await cairn(bench, ['archive', chain])).toMatchObject({ exitCode: 0, stderr: '' });
    await bench.restore({ snapshot: 'run@2400', to: bench.path('back') });
    expect(picture(bench.path('back'))).toEqual(picture(path.join(chain, 'step-002400')));
    await expectSound(bench);
  });

  it('is told before a restore begins, or ends it without a half file', async () => {
    await bench.archive({ paths: [chain], steps: [400] });
    const to = bench.path('small');
    const restore = ['restore', 'run@400', '--to', path.join(to, 'back')];
    if (smallDisk(to, 400)) expectOneLine(await cairn(bench, restore), /missing|full|space/);
    const { status, signal, stderr, stdout } = limited(['restore', 'run@400', '--to', bench.path('other')], 512);
    expectOneLine({ exitCode: status, signal, stderr, stdout, records: [] }, /too large|larger|full|quota|limit/);
    for (const folder of [path.join(to, 'back'), bench.path('other')])
      expect(existsSync(folder) ? readdirSync(folder) : []).not.toContain('model.safetensors');
    await expectSound(bench);
  });
});

describe('a store that is not for us', () => {
  it('because another writer has it is left alone, and read', async () => {
    await bench.archive({ paths: [chain], steps: [400] });
    const writer = await Store.open({ backend: new LocalBackend(bench.storePath), hashing, mode: 'write', create: false });
    try {
      for (const command of [['archive', chain], ['prune'], ['rm', 'run@400'], ['pin', 'run@400']])
        expectOneLine(await cairn(bench, command), new RegExp(`process ${process.pid}`));
      expect(await cairn(bench, ['verify'])).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await cairn(bench, ['restore', 'run@400', '--to', bench.path('back')])).toMatchObject({ exitCode: 0, stderr: '' });
    } finally {
      await writer.close();
    }
    expect((await cairn(bench, ['archive', chain])).exitCode).toBe(0);
    await expectSound(bench);
  });

  it('because it is of another format is refused by every command, and not changed', async () => {
    await bench.archive({ paths: [chain], steps: [400] });
    const mark = path.join(bench.storePath, 'cairn.json');
    const written = readFileSync(mark, 'utf8');
    writeFileSync(mark, JSON.stringify({ format: 2, shape: 'of another time' }));
    const before = picture(bench.storePath);
    for (const command of [
      ['archive', chain],
      ['verify'],
      ['restore', 'run@400', '--to', bench.path('back')],
      ['prune'],
      ['rm', 'run@400'],
    ])
      expectOneLine(await cairn(bench, command), /format 2.*newer Cairn/);
    expect(picture(bench.storePath)).toEqual(before);
    expect(existsSync(bench.path('back'))).toBe(false);
    writeFileSync(mark, written);
    await expectSound(bench);
  });

  it.each(['', '{', '[]', '{"format":"1"}', '{"format":1,"id":"../..","created":"x"}', '\0'.repeat(5000)])(
    'because its mark is none is refused: %j',
    async (mark) => {
      await bench.archive({ paths: [chain], steps: [400] });
      writeFileSync(path.join(bench.storePath, 'cairn.json'), mark);
      await expect(bench.verify()).rejects.toMatchObject({ code: 'damaged', message: expect.stringMatching(/^[^\n]+$/) as string });
      await expect(bench.archive({ paths: [chain] })).rejects.toMatchObject({ code: 'damaged' });
    },
  );
});
