/**
 * Every file of a folder of real checkpoints, archived and restored by the command line and compared byte for byte; every
 * tensor that torch read (torch-digests.json in the folder: SHA-256 of contiguous bytes, of quantised tensors the
 * integers) restored alone and compared with what torch saw. Not part of the tests, because the folder is not.
 *
 *   node test/bench/all-data.ts FOLDER      prints a table; exit 1 where anything differs
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient, type Client } from '../../core/contract/client.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import type { Failure } from '../../core/contract/errors.ts';
import type { FileRow, TensorRow } from '../../core/contract/model.ts';
import { Service } from '../../core/service/service.ts';

const cli = path.resolve(import.meta.dirname, '../../core/host/cli.ts');

interface TorchTensor {
  name: string;
  dtype: string;
  shape: number[];
  /** Null where the tensor has no bytes of its own (sparse). */
  sha256: string | null;
}
type TorchDigests = Record<string, { tensors?: TorchTensor[]; not_loaded?: string }>;

/** What was found of one file. */
interface Row {
  file: string;
  format: string;
  tensors: number;
  note: string;
  /** Whether the restored file has the bytes, mode and time of the original. */
  exact: boolean;
  /** Tensors that torch gave a digest for, and those of them that came back so. */
  asked: number;
  equal: number;
  problems: string[];
}

interface ArchiveSummary {
  snapshots: { id: string; path: string }[];
  errors: { message: string }[];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function run(args: string[], scratch: string): Record<string, unknown>[] {
  const env = { ...process.env, CAIRN_HOME: path.join(scratch, 'home'), CAIRN_STORE: path.join(scratch, 'store') };
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...args, '--json'], { env, encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (stderr.trim() !== '') process.stderr.write(stderr);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .sort();

function archive(paths: string[], scratch: string): ArchiveSummary {
  const summary = run(['archive', ...paths], scratch).at(-1) as unknown as ArchiveSummary;
  for (const { message } of summary.errors) process.stderr.write(`not archived: ${message}\n`);
  return summary;
}

function sameFile(original: string, restored: string): boolean {
  if (!existsSync(restored)) return false;
  const [a, b] = [statSync(original, { bigint: true }), statSync(restored, { bigint: true })];
  return a.mode === b.mode && a.mtimeNs === b.mtimeNs && readFileSync(original).equals(readFileSync(restored));
}

/** The bytes of the one tensor in a file that `--tensor` made. */
function bodyOf(file: string): Uint8Array {
  const bytes = readFileSync(file);
  if (file.endsWith('.npy')) return bytes.subarray(10 + bytes.readUInt16LE(8));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

/** A service of this process over the same store: a process for each of a thousand tensors would take long. */
class Tensors {
  readonly #service: Service;
  readonly #client: Client;
  readonly #scratch: string;
  #count = 0;

  private constructor(service: Service, scratch: string) {
    const [clientEnd, serviceEnd] = inProcessPair();
    service.serve(serviceEnd);
    this.#service = service;
    this.#client = createClient(clientEnd);
    this.#scratch = scratch;
  }

  static async open(scratch: string): Promise<Tensors> {
    const home = path.join(scratch, 'home');
    return new Tensors(await Service.open({ home, storePath: path.join(scratch, 'store'), host: 'bench' }), scratch);
  }

  /** Restores a tensor in each file format that has its dtype. @returns the SHA-256 of its bytes in each, or the failure */
  async digests(snapshot: string, file: string, tensor: string): Promise<string[]> {
    const found: string[] = [];
    for (const tensorFormat of ['npy', 'safetensors'] as const) {
      const to = path.join(this.#scratch, 'tensors', String((this.#count += 1)));
      const params = { snapshot, to, tensor, tensorFormat, files: file.replaceAll(/[[\]{}()*?!\\]/g, '\\$&') };
      const { job } = await this.#client.call('restore.start', params);
      const ended = await this.#ended(job.id);
      if (ended?.code !== 'unsupported') found.push(ended?.message ?? sha256(bodyOf(path.join(to, readdirSync(to)[0]!))));
    }
    return found.length > 0 ? found : ['neither .npy nor .safetensors has its dtype'];
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  /** @returns the failure, where it failed */
  async #ended(id: string): Promise<Failure | undefined> {
    for (;;) {
      const { job } = await this.#client.call('jobs.get', { id });
      if (job.state === 'done') return undefined;
      if (job.state !== 'queued' && job.state !== 'running') return job.error ?? { code: 'cancelled', message: job.state };
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

async function checkTensors(row: Row, wanted: TorchTensor[], listed: TensorRow[], restore: (name: string) => Promise<string[]>) {
  for (const { name, shape, sha256: digest } of wanted) {
    const there = listed.find((tensor) => tensor.name === name);
    if (!there || there.shape.join() !== shape.join()) {
      row.problems.push(there ? `${name} has shape [${there.shape.join(', ')}]` : `${name} is not listed`);
      continue;
    }
    if (digest === null) continue;
    row.asked += 1;
    const found = await restore(name);
    if (found.every((sum) => sum === digest)) row.equal += 1;
    else row.problems.push(`${name}: ${found.find((sum) => sum !== digest)}`);
  }
}

/** Checks one snapshot: its files restored, its tensors against torch's. */
async function checkSnapshot(
  { id, path: place }: { id: string; path: string },
  folder: string,
  scratch: string,
  torch: TorchDigests,
  tensors: Tensors,
): Promise<Row[]> {
  const to = path.join(scratch, 'restored', id);
  run(['restore', id, '--to', to], scratch);
  const records = run(['show', id], scratch);
  const shown = records.filter(({ type }) => type === 'tensor') as unknown as TensorRow[];
  const rows: Row[] = [];
  for (const { path: name, format, note, tensors: count } of records.filter(({ type }) => type === 'file') as unknown as FileRow[]) {
    const original = statSync(place).isFile() ? place : path.join(place, name);
    const file = path.relative(folder, original);
    const row: Row = { file, format, tensors: count, note: note ?? '', exact: false, asked: 0, equal: 0, problems: [] };
    row.exact = sameFile(original, path.join(to, name));
    const listed = shown.filter((tensor) => tensor.file === name);
    await checkTensors(row, torch[file]?.tensors ?? [], listed, (tensor) => tensors.digests(id, name, tensor));
    rows.push(row);
  }
  return rows;
}

const folder = path.resolve(process.argv[2] ?? '');
const scratch = mkdtempSync(path.join(tmpdir(), 'cairn-all-data-'));
try {
  const torch = JSON.parse(readFileSync(path.join(folder, 'torch-digests.json'), 'utf8')) as TorchDigests;
  const rows: Row[] = [];
  const seen = new Set<string>();
  const check = async (summary: ArchiveSummary): Promise<void> => {
    const tensors = await Tensors.open(scratch);
    for (const snapshot of summary.snapshots) rows.push(...(await checkSnapshot(snapshot, folder, scratch, torch, tensors)));
    await tensors.close();
    for (const { file } of rows) seen.add(file);
  };
  await check(archive([folder], scratch));
  // What belongs to no checkpoint (a README) is archived when it is asked for by its own name.
  const others = filesBelow(folder).filter((file) => !seen.has(file));
  if (others.length > 0)
    await check(
      archive(
        others.map((file) => path.join(folder, file)),
        scratch,
      ),
    );
  const missing = filesBelow(folder).filter((file) => !seen.has(file));
  process.stdout.write('| file | format | tensors | restored | tensors as torch read them | note |\n|---|---|---|---|---|---|\n');
  for (const row of rows.toSorted((a, b) => a.file.localeCompare(b.file))) {
    const equal = row.asked === 0 ? '' : `${row.equal} of ${row.asked}`;
    const remarks = [row.note, ...row.problems].filter(Boolean).join('; ');
    process.stdout.write(`| ${row.file} | ${row.format} | ${row.tensors} | ${row.exact ? 'exact' : 'DIFFERS'} | ${equal} | ${remarks} |\n`);
  }
  for (const file of missing) process.stdout.write(`| ${file} | | | NOT ARCHIVED | | |\n`);
  const sum = (count: (row: Row) => number): number => rows.reduce((total, row) => total + count(row), 0);
  const failed = missing.length + sum((row) => (row.exact && row.problems.length === 0 ? 0 : 1));
  process.stdout.write(
    `\n${rows.length} files, ${sum((row) => (row.exact ? 1 : 0))} exact; ${sum((row) => row.tensors)} tensors listed; ` +
      `${sum((row) => row.equal)} of ${sum((row) => row.asked)} as torch read them; ${failed} files with problems\n`,
  );
  process.stdout.write(`verify: ${JSON.stringify(run(['verify'], scratch).at(-1))}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
