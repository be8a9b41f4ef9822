/** The command line as scripts and people use it: real processes, real stores, exit codes and records of DESIGN's table. */
import { cp, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createClient } from '../../core/contract/client.ts';
import { openSocketConnection } from '../../core/contract/connections/socket.ts';
import { bytesBelow, sampleChain, writeRun } from '../service/served.ts';
import { runCli, startCli, type Ran } from './run-cli.ts';

let folder: string;
let home: string;
let run: string;
let tries = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cairn-cli-'));
  run = path.join(folder, 'ft-07');
  await cp(sampleChain, run, { recursive: true, preserveTimestamps: true });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => (home = path.join(folder, `home-${tries++}`)));

const cairn = (...args: string[]): Promise<Ran> => runCli(args, { home });
const summaryOf = ({ records }: Ran): Record<string, unknown> => {
  expect(records.filter(({ type }) => type === 'summary')).toEqual([records.at(-1)]);
  return records.at(-1)!;
};
const isOneLine = (text: string): boolean => /^cairn: [^\n]+\n$/.test(text) && !/\n\s+at /.test(text);

describe('a chain', () => {
  it('is scanned, planned, archived, listed, shown, verified and restored, with the records that scripts depend on', async () => {
    const scanned = await cairn('scan', run, '--json');
    expect(scanned).toMatchObject({ exitCode: 0, stderr: '' });
    const found = summaryOf(scanned)['runs'] as { name: string; path: string; layout: string; snapshots: object[] }[];
    expect(found).toMatchObject([{ name: 'ft-07', path: run, layout: 'numbered-folders' }]);
    expect(found[0]!.snapshots[0]).toMatchObject({
      step: 400,
      path: path.join(run, 'step-000400'),
      files: 2,
      state: 'complete',
      formats: expect.arrayContaining(['safetensors']) as string[],
      bytes: expect.any(Number) as number,
    });

    const planned = await cairn('archive', run, '--dry-run', '--json');
    expect(summaryOf(planned)).toMatchObject({ dryRun: true, items: { length: 4 }, bytesEstimated: expect.any(Number) as number });
    expect((await cairn('ls', '--json')).records).toEqual([{ type: 'summary', snapshots: [] }]);

    const archived = await cairn('archive', run, '--json', '--step', '400,2000', '--step', '2200', '--step', '2400', '--run', 'ft-07');
    expect(archived).toMatchObject({ exitCode: 0, stderr: '' });
    const made = summaryOf(archived) as {
      snapshots: Record<string, unknown>[];
      bytesOriginal: number;
      bytesStored: number;
      seconds: number;
      errors: unknown[];
    };
    expect(made.errors).toEqual([]);
    expect(made.bytesStored).toBeLessThan(made.bytesOriginal);
    expect(made.seconds).toBeGreaterThan(0);
    expect(made.snapshots.map(({ step, run: name, kind, depth, sealed }) => [step, name, kind, depth, sealed])).toEqual([
      [400, 'ft-07', 'keyframe', 0, true],
      [2000, 'ft-07', 'delta', 1, true],
      [2200, 'ft-07', 'delta', 2, true],
      [2400, 'ft-07', 'delta', 3, true],
    ]);

    const listed = summaryOf(await cairn('ls', '--json'))['snapshots'] as Record<string, unknown>[];
    for (const [index, { id, bytesOriginal, bytesStored }] of made.snapshots.entries())
      expect(listed[index]).toMatchObject({
        id,
        run: 'ft-07',
        bytesOriginal,
        bytesStored,
        sealed: true,
        pinned: false,
        time: expect.stringMatching(/Z$/) as string,
      });

    const shown = await cairn('show', 'ft-07@2400', '--json');
    const tensors = shown.records.filter(({ type }) => type === 'tensor');
    expect(summaryOf(shown)).toMatchObject({ files: 2, tensors: tensors.length, snapshot: { id: listed[3]!['id'] } });
    expect(tensors[0]).toMatchObject({ dtype: 'BF16', codecs: expect.any(Array) as string[] });

    const hashed = await cairn('show', 'ft-07@2400', '--sha256', '--json');
    const sha256 = async (name: string): Promise<string> =>
      createHash('sha256')
        .update(await readFile(path.join(run, 'step-002400', name)))
        .digest('hex');
    expect(hashed.records.filter(({ type }) => type === 'sha256')).toMatchObject([
      { path: 'config.json', sha256: await sha256('config.json') },
      { path: 'model.safetensors', sha256: await sha256('model.safetensors') },
    ]);

    const verified = await cairn('verify', '--json');
    expect(verified.exitCode).toBe(0);
    expect(summaryOf(verified)).toMatchObject({ snapshots: 4, findings: [], bytesRead: expect.any(Number) as number });
    expect((await cairn('verify', '--structure', 'ft-07@2400')).stdout).toContain('nothing is wrong');

    const to = path.join(folder, 'restored');
    const restored = await cairn('restore', String(listed[3]!['id']).slice(0, 6), '--to', to, '--json');
    expect(summaryOf(restored)).toMatchObject({ files: 2, bytes: listed[3]!['bytesOriginal'], seconds: expect.any(Number) as number });
    expect(await bytesBelow(to)).toEqual(await bytesBelow(path.join(run, 'step-002400')));
    const again = await cairn('restore', 'ft-07@2400', '--to', to);
    expect(again).toMatchObject({ exitCode: 1, stdout: '' });
    expect(again.stderr).toContain('--force');
    expect(isOneLine(again.stderr)).toBe(true);
    expect((await cairn('restore', 'ft-07@2400', '--to', to, '--force')).exitCode).toBe(0);
    expect((await cairn('restore', 'ft-07@2400', '--to', path.join(folder, 'part'), '--files', '*.json')).stdout).toContain('1 file');
    expect(Object.keys(await bytesBelow(path.join(folder, 'part')))).toEqual(['config.json']);
    const name = String(tensors[0]!['name']);
    expect(await cairn('restore', 'ft-07@2400', '--to', path.join(folder, 'one'), '--tensor', name)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(Object.keys(await bytesBelow(path.join(folder, 'one')))).toEqual([`${name}.npy`]);
    await mkdir(path.join(folder, 'taken', `${name}.npy`), { recursive: true });
    const inTheWay = await cairn('restore', 'ft-07@2400', '--to', path.join(folder, 'taken'), '--tensor', name, '--force');
    expect(inTheWay).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('a folder is there') as string });
  });

  it('is cared for: pinned, removed, pruned, examined, catalogued anew, and its jobs are remembered', async () => {
    expect((await cairn('archive', run)).stdout).toMatch(/4 sealed/);
    expect((await cairn('archive', run)).stdout).toMatch(/4 archived already/);
    expect(await cairn('pin', 'ft-07@400')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('pinned') as string });
    expect((await cairn('ls', 'ft-07')).stdout).toMatch(/400 .*pinned/);
    expect(await cairn('rm', 'ft-07@400')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('pinned') as string });
    await cairn('unpin', 'ft-07@400');
    expect(await cairn('rm', 'ft-07@400', 'ft-07@2000', '--json')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(summaryOf(await cairn('prune', '--dry-run', '--json'))).toMatchObject({ dryRun: true });
    expect(await cairn('prune')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('freed') as string });
    await rm(path.join(home, 'catalogue.sqlite'));
    expect(await cairn('rebuild')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(summaryOf(await cairn('ls', '--json'))['snapshots']).toMatchObject([{ step: 2200 }, { step: 2400 }]);
    expect(await cairn('doctor')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing is wrong') as string });
    const [job] = summaryOf(await cairn('jobs', '--json'))['jobs'] as { id: string; kind: string; state: string }[];
    expect(job).toMatchObject({ kind: 'rebuild', state: 'done' });
    expect((await cairn('jobs', job!.id)).stdout).toContain('cairn rebuild');
    expect((await cairn('jobs', job!.id, '--retry')).stdout).toContain('done');
  });

  it('is found damaged with exit code 1 and findings', async () => {
    await cairn('archive', run);
    const packs = path.join(home, 'store', 'packs');
    for (const name of Object.keys(await bytesBelow(packs))) {
      const file = await open(path.join(packs, name), 'r+');
      await file.write(Buffer.from([0xff, 0xff, 0xff, 0xff]), 0, 4, 40);
      await file.close();
    }
    const verified = await cairn('verify', '--json');
    expect(verified.exitCode).toBe(1);
    const findings = summaryOf(verified)['findings'] as Record<string, unknown>[];
    expect(findings[0]).toMatchObject({ code: expect.any(String) as string, severity: 'error', message: expect.any(String) as string });
  });
});

describe('stores and homes', () => {
  it('are chosen by option and by environment, the option first', async () => {
    const [byOption, byEnvironment] = [path.join(folder, 'by-option'), path.join(folder, 'by-environment')];
    const env = { CAIRN_STORE: byEnvironment };
    await runCli(['archive', run, '--step', '400'], { home, env });
    await runCli(['--store', byOption, 'archive', run, '--step', '2000'], { home, env });
    const stepsOf = async (...args: string[]): Promise<unknown[]> =>
      (summaryOf(await runCli([...args, '--json'], { home, env }))['snapshots'] as { step: number }[]).map(({ step }) => step);
    expect(await stepsOf('ls')).toEqual([400]);
    expect(await stepsOf('ls', '--store', byOption)).toEqual([2000]);
    expect(await stepsOf('ls', '--home', path.join(folder, 'other-home'))).toEqual([400]);
  });
});

describe('usage', () => {
  it.each([
    [[]],
    [['nonsense']],
    [['scan']],
    [['archive', '/x', '--threads', '0']],
    [['archive', '/x', '--threads', 'two']],
    [['archive', '/x', '--method', 'zip']],
    [['archive', '/x', '--step', 'last']],
    [['archive', '/x', '--dri-run']],
    [['verify', '--percent', '101']],
    [['verify', '--percent', '0']],
    [['verify', '--structure', '--percent', '5']],
    [['verify', '--data', '--structure']],
    [['restore', 'abcd']],
    [['restore', 'abcd', '--to', '/x', '--format', 'zip']],
    [['serve', '--port', '70000']],
    [['jobs', '--cancel']],
    [['ls', 'a', 'b']],
  ])('%j ends with 2 and no more than a line', async (args) => {
    const { exitCode, stdout, stderr } = await cairn(...args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    // Without any command the whole help is the answer.
    if (args.length > 0) expect(isOneLine(stderr)).toBe(true);
  });

  it('is explained on standard output with 0', async () => {
    for (const args of [['--help'], ['help', 'archive'], ['restore', '--help'], ['--version']])
      expect(await cairn(...args)).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('failures', () => {
  it('are one line on standard error and exit code 1, with --json a summary that has them too', async () => {
    const file = path.join(folder, 'a-file');
    await writeFile(file, '');
    const absent = path.join(folder, 'absent');
    const failing = [
      ['archive', absent],
      ['archive', absent, '--dry-run'],
      ['restore', 'abcdef', '--to', absent],
      ['show', 'ft-07@1'],
      ['verify', 'abcdef'],
      ['rm', 'abcdef'],
      ['jobs', 'x'],
      ['ls', 'no-run'],
      ['ls', '--home', file],
      ['archive', run, '--store', file],
    ];
    for (const args of failing) {
      const ran = await cairn(...args, '--json');
      expect({ args, exitCode: ran.exitCode, oneLine: isOneLine(ran.stderr), stderr: ran.stderr }).toMatchObject({
        args,
        exitCode: 1,
        oneLine: true,
      });
      expect(summaryOf(ran)['errors']).toMatchObject([{ message: ran.stderr.replace(/^cairn: /, '').trim() }]);
      expect(ran.stderr).not.toContain('unexpected');
    }
  });

  it('of one checkpoint leave the others archived, and are told', async () => {
    const mixed = path.join(folder, 'mixed');
    await cp(run, mixed, { recursive: true });
    await writeFile(path.join(mixed, 'step-002200', 'model.safetensors'), Buffer.from('cut'));
    const planned = await cairn('archive', mixed, '--dry-run', '--json');
    expect(planned.exitCode).toBe(1);
    expect(summaryOf(planned)['errors']).toMatchObject([{ code: 'bad_input', path: path.join(mixed, 'step-002200') }]);
    const ran = await cairn('archive', mixed, '--json');
    expect(ran.exitCode).toBe(1);
    const { snapshots, errors } = summaryOf(ran) as {
      snapshots: { step: number }[];
      errors: { code: string; path: string; message: string }[];
    };
    expect(snapshots.map(({ step }) => step)).toEqual([400, 2000, 2400]);
    expect(errors).toMatchObject([{ code: 'bad_input', path: path.join(mixed, 'step-002200') }]);
    expect(isOneLine(ran.stderr)).toBe(true);
  });
});

describe('names', () => {
  it('never reach the terminal with what it would act upon', async () => {
    const evil = path.join(folder, 'evil\u001b[2J\nrun\u202e');
    await writeRun(evil, 'a tensor\u001b[31m\n', 100, 'model\u001b]0;x\u0007.safetensors');
    for (const args of [
      ['scan', evil],
      ['archive', evil],
      ['ls'],
      ['show', `${path.basename(evil)}@1`],
      ['jobs'],
      ['archive', path.join(evil, 'no\u001b[1m')],
    ]) {
      const { stdout, stderr } = await cairn(...args);
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(stdout + stderr).toContain('\\u{1b}');
    }
  });
});

describe('a policy', () => {
  it('lets go of optimizer state, and show says so', async () => {
    const hf = path.join(folder, 'hf');
    for (const step of [1, 2]) {
      const checkpoint = path.join(hf, `step-${step}`);
      await cp(path.join(run, 'step-000400'), checkpoint, { recursive: true });
      await cp(path.join(run, 'step-002000', 'model.safetensors'), path.join(checkpoint, 'optimizer.safetensors'));
    }
    expect((await cairn('archive', hf)).exitCode).toBe(0);
    const pruned = summaryOf(await cairn('prune', '--run', 'hf', '--state-last', '1', '--grace', '0', '--json'));
    expect(pruned['thinned']).toMatchObject([{ step: 1, files: 1 }]);
    expect((await cairn('show', 'hf@1')).stdout).toContain('let go of: optimizer.safetensors, ');
    const { stdout } = await cairn('show', 'hf@2');
    expect(stdout).toMatch(/optimizer\.safetensors +optimizer /);
    expect(stdout).not.toContain('let go of');
  });
});

describe('a lock of a writer on another machine', () => {
  it("is explained, and broken on the user's word", async () => {
    expect((await cairn('archive', run)).exitCode).toBe(0);
    const now = new Date().toISOString();
    const lock = path.join(home, 'store', 'lock');
    await writeFile(lock, JSON.stringify({ host: 'elsewhere', pid: 7, started: now, token: 'a', heartbeat: now }));
    const refused = await cairn('prune');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^cairn: .*process 7 on elsewhere writes to this store since .*cairn doctor --break-lock\n$/);
    expect(refused.stderr).toContain('--wait');
    expect(summaryOf(await cairn('doctor', '--break-lock', '--json'))['owner']).toBe('process 7 on elsewhere');
    expect((await cairn('prune')).exitCode).toBe(0);
    expect((await cairn('doctor', '--break-lock')).stdout).toBe('the store has no lock\n');
  });

  const lockStore = async (): Promise<string> => {
    const now = new Date().toISOString();
    const lock = path.join(home, 'store', 'lock');
    await writeFile(lock, JSON.stringify({ host: 'elsewhere', pid: 7, started: now, token: 'a', heartbeat: now }));
    return lock;
  };

  it.each([['prune', '--grace', '0'], ['archive', 'RUN'], ['pin', 'ft-07@400'], ['rm', 'ft-07@400'], ['repair']])(
    'is waited for where %s is to, in one line that says whose it is',
    async (...args) => {
      expect((await cairn('archive', run)).exitCode).toBe(0);
      const lock = await lockStore();
      const waiting = startCli([...args.map((word) => (word === 'RUN' ? run : word)), '--wait'], { home });
      let said = '';
      waiting.child.stderr!.on('data', (text: string) => (said += text));
      await expect.poll(() => said).toContain('process 7 on elsewhere writes to this store since ');
      await rm(lock);
      const { exitCode, stderr } = await waiting.ended;
      expect({ exitCode, oneLine: isOneLine(stderr), stderr }).toMatchObject({ exitCode: 0, oneLine: true });
    },
  );

  it.each([['prune'], ['pin', 'ft-07@400']])('is waited for by %s until it is interrupted', async (...args) => {
    expect((await cairn('archive', run)).exitCode).toBe(0);
    await lockStore();
    const waiting = startCli([...args, '--wait'], { home });
    let said = '';
    waiting.child.stderr!.on('data', (text: string) => (said += text));
    await expect.poll(() => said).toContain('process 7 on elsewhere');
    waiting.child.kill('SIGINT');
    expect((await waiting.ended).exitCode).toBe(130);
    expect(summaryOf(await cairn('jobs', '--json'))['jobs']).not.toContainEqual(expect.objectContaining({ state: 'waiting' }));
  });
});

describe('a pause of everything', () => {
  it('holds a command that begins in it, which says so and goes on after it', async () => {
    expect((await cairn('jobs', '--pause')).exitCode).toBe(0);
    const archiving = startCli(['archive', run], { home });
    let said = '';
    archiving.child.stderr!.on('data', (text: string) => (said += text));
    await expect.poll(() => said).toContain('paused, everything is paused');
    expect((await cairn('jobs', '--resume')).exitCode).toBe(0);
    const { exitCode, stderr } = await archiving.ended;
    expect({ exitCode, oneLine: isOneLine(stderr), stderr }).toMatchObject({ exitCode: 0, oneLine: true });
  });
});

describe('a watch', () => {
  it('of a folder that is not there says so, and waits for it', async () => {
    const gone = path.join(folder, 'not-mounted');
    const watching = startCli(['archive', gone, '--watch'], { home });
    let said = '';
    watching.child.stderr!.on('data', (text: string) => (said += text));
    await expect
      .poll(() => said, { timeout: 20_000 })
      .toBe(`cairn: ${gone}: no such file or folder; check the path; it is looked for every minute\n`);
    watching.child.kill('SIGINT');
    expect((await watching.ended).exitCode).toBe(130);
  });
});

describe('an interrupt', () => {
  it('ends a running archive with 130 and one line, and the next run goes on', async () => {
    const large = path.join(folder, 'large');
    await writeRun(large, 'weight', 48 * 1024 * 1024);
    expect((await cairn('manners', '--rate', '20')).exitCode).toBe(0); // so that it is still at work then
    const running = startCli(['archive', large, '--json'], { home });
    await running.printed('"type":"progress"');
    running.child.kill('SIGINT');
    const ran = await running.ended;
    expect({ exitCode: ran.exitCode, oneLine: isOneLine(ran.stderr), stderr: ran.stderr }).toMatchObject({ exitCode: 130, oneLine: true });
    expect(summaryOf(ran)['errors']).toMatchObject([{ code: 'cancelled' }]);
    expect(summaryOf(await cairn('jobs', '--json'))['jobs']).toMatchObject([{ state: 'cancelled' }]);
    expect((await cairn('manners', '--reset')).exitCode).toBe(0);
    expect(await cairn('archive', large)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await cairn('verify')).exitCode).toBe(0);
  });
});

const addressIn = (text: string): URL => new URL(/http:\/\/\S+/.exec(text)![0]);

describe('serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints an address with a token, and ends in good order at %s', async (signal) => {
    const serving = startCli(['serve', '--port', '0'], { home });
    const address = addressIn(await serving.printed('Ctrl+C'));
    expect(address.hostname).toBe('127.0.0.1');
    expect(Buffer.from(address.searchParams.get('token')!, 'base64url').length).toBe(32);
    serving.child.kill(signal);
    expect(await serving.ended).toMatchObject({ exitCode: 130, stderr: '' });
    await expect(fetch(address)).rejects.toThrow();
  });

  it('serves the same runs and jobs as the commands beside it', async () => {
    await cairn('archive', run);
    const serving = startCli(['serve', '--port', '0'], { home });
    const url = addressIn(await serving.printed('Ctrl+C'));
    url.protocol = 'ws:';
    url.pathname = '/connection';
    const client = createClient(await openSocketConnection(new WebSocket(url)));
    expect((await client.call('snapshots.list', {})).snapshots.length).toBe(4);
    expect((await client.call('jobs.list', {})).jobs).toMatchObject([{ kind: 'archive', state: 'done' }]);
    expect(await client.call('service.about', {})).toMatchObject({ host: 'server', home });
    const { job } = await client.call('verify.start', {});
    await expect.poll(async () => (await client.call('jobs.get', { id: job.id })).job.state).toBe('done');
    serving.child.kill('SIGINT');
    expect((await serving.ended).exitCode).toBe(130);
  });
});

describe('an older Node', () => {
  const lie = (condition: string): string[] => [
    '--import',
    `data:text/javascript,if(${encodeURIComponent(condition)})Object.defineProperty(process.versions,'node',{value:'20.1.0'})`,
  ];

  it('hands over to the one that was brought along, and passes on how that ended', async () => {
    const nodeOptions = lie('!process.env.CAIRN_NODE_TAKEN_OVER');
    expect(await runCli(['ls', '--json'], { home, nodeOptions })).toMatchObject({ exitCode: 0, records: [{ type: 'summary' }] });
    expect(await runCli(['nonsense'], { home, nodeOptions })).toMatchObject({ exitCode: 2 });
  });

  it('is refused in one line where there is none', async () => {
    const ran = await runCli(['ls'], { home, nodeOptions: lie('true') });
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toBe('cairn: Node 20.1.0 is too old; install Node 24 or newer and run it again\n');
  });
});
