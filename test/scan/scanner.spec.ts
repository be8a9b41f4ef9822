import { execFile } from 'node:child_process';
import { chmod, link, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { KnownFile } from '../../core/scan/found.ts';
import { bytesOf } from '../../core/scan/layouts/contents.ts';
import { scan } from '../../core/scan/scanner.ts';
import { knownFiles } from '../../core/scan/watch.ts';
import { cpuMsOf } from '../own-time.ts';
import { age, cut, outline, safetensors, scanOne, temporaryTrees, trainerFolder, under, type Tree } from './layouts/trees.ts';

const trees = temporaryTrees();
const model = { 'model.safetensors': safetensors() };
const steps: Tree = { ...under('step-1', model), ...under('step-2', model) };

describe('paths', () => {
  test('one file is its run with that file alone', async () => {
    const folder = await trees.fresh({ 'model_9.safetensors': safetensors(), 'model_10.safetensors': safetensors(), 'notes.txt': 'x' });
    const run = await scanOne(join(folder, 'model_9.safetensors'));
    expect(run).toMatchObject({ path: folder, layout: 'numbered-files' });
    expect(outline(run)).toEqual([[9, 'complete', 'model_9.safetensors']]);
    expect(run.checkpoints[0]).toMatchObject({ alone: true, files: [{ path: 'model_9.safetensors', size: safetensors().length }] });
  });

  test('a file of no known format is one checkpoint of bytes', async () => {
    const folder = await trees.fresh({ 'notes.txt': 'x', 'model.safetensors': safetensors() });
    const run = await scanOne(join(folder, 'notes.txt'));
    expect(run).toMatchObject({ layout: 'single', checkpoints: [{ step: 0, formats: ['bytes'], state: 'complete' }] });
  });

  test('folders given twice, above one another or through a link are looked through once', async () => {
    const folder = await trees.fresh(steps);
    await symlink(folder, `${folder}-link`);
    const { runs, roots } = await scan([folder, `${folder}/`, join(folder, 'step-1'), `${folder}-link`]);
    expect(roots).toEqual([folder]);
    expect(runs.map(outline)).toEqual([
      [
        [1, 'complete', 'step-1'],
        [2, 'complete', 'step-2'],
      ],
    ]);
  });

  test('two checkpoints of a run given by themselves are one run', async () => {
    const folder = await trees.fresh({ ...steps, ...under('step-3', model) });
    const { runs } = await scan([join(folder, 'step-3'), join(folder, 'step-1')]);
    expect(runs.map((run) => run.checkpoints.map(({ step }) => step))).toEqual([[1, 3]]);
  });

  test('a path that is not there and a folder without checkpoints are findings', async () => {
    const folder = await trees.fresh({ 'a.txt': '' });
    const { runs, findings } = await scan([folder, '/no/such\nfolder']);
    expect(runs).toEqual([]);
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['not_found', 'error'],
      ['nothing_found', 'warning'],
    ]);
    expect(findings.every(({ message }) => !message.includes('\n'))).toBe(true);
  });

  test('a scan that is aborted stops', async () => {
    const folder = await trees.fresh(steps);
    await expect(scan([folder], { signal: AbortSignal.abort() })).rejects.toThrow('abort');
  });
});

describe('contents', () => {
  test('every file, folder and link below a checkpoint belongs to it, with modes and times', async () => {
    const folder = await trees.fresh({
      ...steps,
      'step-1/.hidden/x.weird': 'abc',
      'step-1/empty/': '',
      'step-1/wandb/run.log': 'l',
      'step-1/.git/HEAD': 'h',
    });
    await symlink('../step-2', join(folder, 'step-1', 'previous'));
    await chmod(join(folder, 'step-1', 'model.safetensors'), 0o640);
    const { runs, findings } = await scan([folder]);
    const first = runs[0]!.checkpoints[0]!;
    expect(findings).toEqual([]);
    expect(first.files.map((file) => file.path)).toEqual(['model.safetensors', '.git/HEAD', '.hidden/x.weird', 'wandb/run.log']);
    expect(first.files[0]).toMatchObject({ mode: 0o640, size: safetensors().length });
    expect(first.folders.map(({ path }) => path)).toEqual(['.git', '.hidden', 'empty', 'wandb']);
    expect(first.links).toEqual([{ path: 'previous', target: '../step-2' }]);
  });

  test('links that lead in circles or outside are recorded and not followed', async () => {
    const outside = await trees.fresh(under('step-9', model), 'outside');
    const folder = await trees.fresh(steps);
    await symlink('..', join(folder, 'step-1', 'up'));
    await symlink(folder, join(folder, 'self'));
    await symlink(outside, join(folder, 'elsewhere'));
    await symlink('loop', join(folder, 'loop'));
    const { runs, findings } = await scan([folder]);
    expect(findings).toEqual([]);
    expect(runs.map(outline)).toEqual([
      [
        [1, 'complete', 'step-1'],
        [2, 'complete', 'step-2'],
      ],
    ]);
  });

  test('a model at the top of a project does not swallow the folders below', async () => {
    const folder = await trees.fresh({
      'best.pt': safetensors(),
      'train.py': '',
      'data/train.bin': 'tokens',
      'src/x.py': '',
      ...under('old/copy', model),
      ...under('runs', steps),
    });
    const { runs } = await scan([folder]);
    expect(runs.map((run) => [run.path.slice(folder.length), run.checkpoints.map(({ files }) => files.map((file) => file.path))])).toEqual([
      ['', [['best.pt', 'train.py']]],
      ['/old/copy', [['model.safetensors']]],
      ['/runs', [['model.safetensors'], ['model.safetensors']]],
    ]);
  });

  test('a folder of models and folders without a sign of anything else is one checkpoint, whole', async () => {
    const folder = await trees.fresh({
      'a.pt': safetensors(),
      'b.pt': safetensors(),
      'npy/x.npy': 'x',
      'more/c.safetensors': safetensors(),
    });
    const run = await scanOne(folder);
    expect(run.checkpoints.map(({ files }) => files.map((file) => file.path))).toEqual([
      ['a.pt', 'b.pt', 'more/c.safetensors', 'npy/x.npy'],
    ]);
  });

  test('hard links count once', async () => {
    const folder = await trees.fresh(steps);
    await link(join(folder, 'step-1', 'model.safetensors'), join(folder, 'step-1', 'copy.safetensors'));
    const first = (await scanOne(folder)).checkpoints[0]!;
    expect(first.files.length).toBe(2);
    expect(bytesOf(first.files)).toBe(safetensors().length);
  });

  test('names with newlines, markup and marks of direction are kept as they are', async () => {
    const names = [
      'new\nline.bin',
      '<img src=x onerror=alert(1)>',
      'right\u202eto-left.json',
      'quote\'"`$(rm)',
      'ünïcödé 🧠',
      '-rf',
      'back\\slash',
      ' ',
    ];
    const folder = await trees.fresh({ ...steps, ...under('step-1', Object.fromEntries(names.map((name) => [name, name]))) });
    const run = await scanOne(folder);
    expect(run.checkpoints[0]?.files.map((file) => file.path).sort()).toEqual([...names, 'model.safetensors'].sort());
    expect(run.checkpoints[0]?.state).toBe('complete');
  });

  test.runIf(process.platform === 'linux')(
    'a name or a link that is not UTF-8 is a finding, and its checkpoint is not complete',
    async () => {
      const folder = await trees.fresh(steps);
      await writeFile(Buffer.concat([Buffer.from(join(folder, 'step-2/')), Buffer.from([0x66, 0xff, 0xfe])]), 'x');
      await symlink(Buffer.from([0x66, 0xff]), join(folder, 'step-1', 'link'));
      const { runs, findings } = await scan([folder]);
      expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual(['unreadable_name error', 'unreadable_name error']);
      expect(runs[0]?.checkpoints.map(({ state }) => state)).toEqual(['incomplete', 'incomplete']);
      expect(runs[0]?.checkpoints[0]?.reason).toContain('change it');
      expect(runs[0]?.checkpoints[1]?.reason).toContain('rename it');
    },
  );

  test('caches of tools and stores of Cairn are not entered', async () => {
    const folder = await trees.fresh({
      ...under('ft/run', steps),
      ...under('ft/wandb/artifacts', steps),
      ...under('huggingface/hub/models--a--b', model),
      ...under('node_modules/x', steps),
      ...under('store', { 'cairn.json': '{}', 'packs/ab/x.pack': '', ...steps }),
    });
    const { runs, findings } = await scan([folder]);
    expect(runs.map((run) => run.path)).toEqual([join(folder, 'ft/run')]);
    expect(findings.map(({ code, path }) => [code, path.slice(folder.length)]).sort()).toEqual([
      ['tool_cache', '/ft/wandb'],
      ['tool_cache', '/huggingface/hub'],
    ]);
  });
});

describe('what the system refuses', () => {
  const run = promisify(execFile);
  const scannerUrl = pathToFileURL(resolve(import.meta.dirname, '../../core/scan/scanner.ts')).href;
  const asNobody = `process.setgroups?.([]); process.setgid?.(65534); process.setuid?.(65534);`;
  const script = `import { scan } from ${JSON.stringify(scannerUrl)};
    if (process.getuid?.() === 0) { ${asNobody} }
    const { runs, findings } = await scan([process.argv[1]]);
    console.log(JSON.stringify({ states: runs.flatMap((run) => run.checkpoints.map((c) => [c.step, c.state])), findings }));`;

  test.runIf(process.platform !== 'win32')('is a finding of one entry and ends nothing', async () => {
    const folder = await trees.fresh({ ...steps, ...under('step-3', { ...model, 'inner/x.bin': 'x' }), ...under('closed/step-1', model) });
    for (let path = folder; path.includes('cairn-scan-'); path = resolve(path, '..')) await chmod(path, 0o755);
    await chmod(join(folder, 'step-2/model.safetensors'), 0);
    await chmod(join(folder, 'step-3/inner'), 0);
    await chmod(join(folder, 'closed'), 0);
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script, folder]);
    const { states, findings } = JSON.parse(stdout) as { states: unknown; findings: { code: string; path: string }[] };
    expect(states).toEqual([
      [1, 'complete'],
      [2, 'incomplete'],
      [3, 'incomplete'],
    ]);
    expect(findings.map(({ code, path }) => [code, path.slice(folder.length + 1)]).sort()).toEqual([
      ['denied', 'closed'],
      ['denied', 'step-3/inner'],
    ]);
    for (const path of ['step-3/inner', 'closed']) await chmod(join(folder, path), 0o755);
  });
});

describe('time', () => {
  test('without a marker, a fresh checkpoint whose headers prove it whole is complete', async () => {
    const folder = await trees.fresh(steps);
    expect(outline(await scanOne(folder, { now: Date.now() })).map(([, state]) => state)).toEqual(['complete', 'complete']);
  });

  test('without a marker and without proof it is being written until it was quiet', async () => {
    const folder = await trees.fresh({ ...steps, 'step-2/optimizer.pt': 'no torch file' });
    const fresh = (await scanOne(folder, { now: Date.now(), quietMs: 60_000 })).checkpoints[1]!;
    expect(fresh.state).toBe('being-written');
    expect(fresh.reason).toMatch(/changed \d+ s ago; wait \d+ s/);
    await age(folder, ['step-2/optimizer.pt', 'step-2/model.safetensors'], 61);
    expect((await scanOne(folder, { now: Date.now(), quietMs: 60_000 })).checkpoints[1]?.state).toBe('complete');
    expect((await scanOne(folder)).checkpoints[1]?.state).toBe('complete');
  });

  test('a temporary file makes it being written while fresh, and incomplete after', async () => {
    const folder = await trees.fresh({ ...steps, 'step-2/optimizer.pt.tmp': 'x' });
    expect((await scanOne(folder, { now: Date.now() })).checkpoints[1]?.state).toBe('being-written');
    await age(folder, ['step-2/optimizer.pt.tmp', 'step-2/model.safetensors'], 1000);
    expect((await scanOne(folder, { now: Date.now() })).checkpoints[1]?.state).toBe('incomplete');
  });

  test('when quiet is required, even a marked checkpoint has to be quiet, and a cut file may still grow', async () => {
    const folder = await trees.fresh({
      ...under('checkpoint-5', trainerFolder(5)),
      ...under('checkpoint-6', { ...trainerFolder(6), 'model.safetensors': cut(safetensors()) }),
    });
    const states = async (now: number) =>
      (await scanOne(folder, { now, requireQuiet: true, quietMs: 5000 })).checkpoints.map(({ state }) => state);
    expect(await states(Date.now())).toEqual(['being-written', 'being-written']);
    expect(await states(Date.now() + 6000)).toEqual(['complete', 'damaged']);
  });

  test('models without a number stand where their time puts them', async () => {
    const folder = await trees.fresh(
      Object.fromEntries(['epoch_1.pt', 'epoch_2.pt', 'epoch_3.pt', 'best.pt'].map((name) => [name, safetensors()])),
    );
    for (const [at, name] of ['epoch_1.pt', 'epoch_2.pt', 'best.pt', 'epoch_3.pt'].entries()) await age(folder, [name], 1000 - 100 * at);
    const run = await scanOne(folder);
    expect(run.checkpoints.map(({ step, stepFrom, path }) => [step, stepFrom, path.slice(folder.length + 1)])).toEqual([
      [1, 'name', 'epoch_1.pt'],
      [2, 'mtime', 'best.pt'],
      [2, 'name', 'epoch_2.pt'],
      [3, 'name', 'epoch_3.pt'],
    ]);
  });
});

describe('scanning again', () => {
  /** A file whose content was made unreadable without changing its identity shows whether it was opened. */
  async function swapContent(path: string): Promise<void> {
    const { stat } = await import('node:fs/promises');
    const before = await stat(path, { bigint: true });
    const handle = await (await import('node:fs/promises')).open(path, 'r+');
    await handle.write(Buffer.alloc(Number(before.size), 0x20), 0, Number(before.size), 0);
    await handle.close();
    await utimes(path, Number(before.atimeNs) / 1e9, Number(before.mtimeNs) / 1e9);
    const after = await stat(path, { bigint: true });
    expect(after.size).toBe(before.size);
  }

  test('opens no file whose identity is as before, and finds the same', async () => {
    const folder = await trees.fresh({ ...under('checkpoint-5', trainerFolder(5)), ...under('checkpoint-6', trainerFolder(6)) });
    const files = Object.keys(trainerFolder(5)).flatMap((name) => [`checkpoint-5/${name}`, `checkpoint-6/${name}`]);
    // Whole seconds survive utimes exactly.
    for (const file of files) await utimes(join(folder, file), 1_700_000_000, 1_700_000_000);
    const first = await scan([folder]);
    for (const file of files) await swapContent(join(folder, file));
    const known = knownFiles(first);
    const asked: string[] = [];
    const previous = (path: string): KnownFile | undefined => (asked.push(path), known.get(path));
    const second = await scan([folder], { previous });
    const plain = (result: typeof first) =>
      result.runs.map(({ checkpoints, losses }) => ({
        losses,
        states: checkpoints.map(({ state, step, formats }) => ({ state, step, formats })),
      }));
    expect(plain(second)).toEqual(plain(first));
    expect(new Set(asked).size).toBe(files.length);
    expect((await scan([folder])).runs[0]?.checkpoints.map(({ state }) => state)).not.toContain('complete');
  });

  test('reads headers again that another version of the readers has left', async () => {
    const folder = await trees.fresh(steps);
    const known = knownFiles(await scan([folder]));
    const stale = (path: string): KnownFile | undefined => {
      const file = known.get(path);
      return file && { ...file, header: { version: -1, format: 'bytes', whole: false, damaged: true } };
    };
    expect(outline(await scanOne(folder, { previous: stale })).map(([, state]) => state)).toEqual(['complete', 'complete']);
  });

  test('reads what changed: a shard that went, a file that was replaced', async () => {
    const folder = await trees.fresh({
      ...under('step-1', {
        'a-00001-of-00002.safetensors': safetensors('a'),
        'a-00002-of-00002.safetensors': safetensors('b'),
        'a.safetensors.index.json': JSON.stringify({
          weight_map: { a: 'a-00001-of-00002.safetensors', b: 'a-00002-of-00002.safetensors' },
        }),
      }),
      ...under('step-2', model),
    });
    const known = knownFiles(await scan([folder]));
    await rename(join(folder, 'step-1/a-00002-of-00002.safetensors'), join(folder, 'step-1/b.safetensors'));
    await writeFile(join(folder, 'step-2/model.safetensors'), cut(safetensors()));
    const run = await scanOne(folder, { previous: (path) => known.get(path) });
    expect(outline(run).map(([, state]) => state)).toEqual(['incomplete', 'damaged']);
  });
});

test('5,000 files in a deep tree are all found, in seconds', async () => {
  const folder = await trees.fresh({});
  const tree: Tree = {};
  for (let at = 0; at < 100; at += 1) {
    for (let file = 0; file < 49; file += 1) tree[`group-${at % 7}/run-x${at % 10}/checkpoint-${at}/part/${file}.json`] = '{}';
    tree[`group-${at % 7}/run-x${at % 10}/checkpoint-${at}/model.safetensors`] = safetensors();
  }
  for (const path of Object.keys(tree)) await mkdir(join(folder, path, '..'), { recursive: true });
  await Promise.all(Object.entries(tree).map(([path, content]) => writeFile(join(folder, path), content)));
  let found!: Awaited<ReturnType<typeof scan>>;
  const cpuMs = await cpuMsOf(async () => (found = await scan([folder])));
  const { runs, findings } = found;
  expect(findings).toEqual([]);
  expect(runs.flatMap((run) => run.checkpoints.flatMap((checkpoint) => checkpoint.files)).length).toBe(5000);
  expect(runs.every((run) => run.checkpoints.every(({ state }) => state === 'complete'))).toBe(true);
  expect(cpuMs).toBeLessThan(60_000);
  await rm(folder, { recursive: true });
});
