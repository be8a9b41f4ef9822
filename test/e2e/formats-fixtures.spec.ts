/** Every kind of file that trainers leave, through the command line and back. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Client } from '../../core/contract/client.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import type { FileRow, TensorRow } from '../../core/contract/model.ts';
import { Service } from '../../core/service/service.ts';
import { runCli, type Ran } from '../cli/run-cli.ts';

const fixtures = path.resolve('test/fixtures/formats');
interface TorchTensor {
  name: string;
  shape: number[];
  sha256: string | null;
}
const torch = JSON.parse(readFileSync(path.join(fixtures, 'torch-digests.json'), 'utf8')) as Record<string, TorchTensor[]>;
const names = readdirSync(fixtures);
/** What holds no tensors, and what to say of it. */
const without: Record<string, RegExp | undefined> = {
  'torch-digests.json': undefined,
  'gradscaler.pt': undefined,
};
const noted: Record<string, RegExp> = { 'deflated.npz': /compressed already/, 'structured.npy': /records of several fields/ };

let folder: string;
let id: string;
let shown: Ran;
let service: Service;
let client: Client;
const home = (): string => path.join(folder, 'home');

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cairn-formats-'));
  cpSync(fixtures, path.join(folder, 'formats'), { recursive: true, preserveTimestamps: true });
  const archived = await runCli(['archive', path.join(folder, 'formats'), '--json'], { home: home() });
  expect(archived.exitCode, archived.stderr).toBe(0);
  const { snapshots } = archived.records.at(-1) as { snapshots: { id: string }[] };
  expect(snapshots).toHaveLength(1);
  id = snapshots[0]!.id;
  shown = await runCli(['show', id, '--json'], { home: home() });
  service = await Service.open({ home: home(), storePath: path.join(home(), 'store'), host: 'test', threads: 2 });
  const [clientEnd, serviceEnd] = inProcessPair();
  service.serve(serviceEnd);
  client = createClient(clientEnd);
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const rows = <T>(type: string): T[] => shown.records.filter((record) => record['type'] === type) as T[];

/** The tensor's bytes out of the file that a restore made of it; the failure's code where it made none. */
async function tensorBytes(file: string, tensor: string, tensorFormat: 'npy' | 'safetensors'): Promise<Buffer | string> {
  const to = mkdtempSync(path.join(folder, 'tensor-'));
  const started = await client.call('restore.start', { snapshot: id, to, tensor, tensorFormat, files: file });
  for (;;) {
    const { job } = await client.call('jobs.get', { id: started.job.id });
    if (job.state === 'failed') return job.error!.code;
    if (job.state === 'done') break;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const bytes = readFileSync(path.join(to, readdirSync(to)[0]!));
  return bytes.subarray(tensorFormat === 'npy' ? 10 + bytes.readUInt16LE(8) : 8 + Number(bytes.readBigUInt64LE(0)));
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('every kind of file', () => {
  it('comes back with its bytes, mode and time', async () => {
    const to = path.join(folder, 'restored');
    const restored = await runCli(['restore', id, '--to', to], { home: home() });
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(readdirSync(to).sort()).toEqual(names.toSorted());
    for (const name of names) {
      const [before, after] = [path.join(folder, 'formats', name), path.join(to, name)];
      expect(readFileSync(after).equals(readFileSync(before)), name).toBe(true);
      expect(statSync(after, { bigint: true }).mtimeNs, name).toBe(statSync(before, { bigint: true }).mtimeNs);
      expect(statSync(after).mode, name).toBe(statSync(before).mode);
    }
  });

  it('shows its tensors, or says why there are none', () => {
    const files = rows<FileRow>('file');
    expect(files.map((file) => file.path).sort()).toEqual(names.toSorted());
    for (const file of files) {
      if (file.path in without) expect(file.tensors, file.path).toBe(0);
      else expect(file.tensors, file.path).toBeGreaterThan(0);
      if (noted[file.path]) expect(file.note).toMatch(noted[file.path]!);
      else expect(file.note, file.path).toBeUndefined();
    }
  });

  it.each(Object.keys(torch))('%s: every tensor restored alone has the bytes that torch read', async (name) => {
    const listed = rows<TensorRow>('tensor').filter((tensor) => tensor.file === name);
    for (const { name: tensor, shape, sha256: digest } of torch[name]!) {
      const row = listed.find((candidate) => candidate.name === tensor);
      expect(row?.shape, tensor).toEqual(shape);
      if (digest === null) continue;
      const npy = await tensorBytes(name, tensor, 'npy');
      expect(typeof npy === 'string' ? npy : sha256(npy), tensor).toBe(digest);
      const safetensors = await tensorBytes(name, tensor, 'safetensors');
      if (row!.dtype === 'C128') expect(safetensors).toBe('unsupported');
      else expect(typeof safetensors === 'string' ? safetensors : sha256(safetensors), tensor).toBe(digest);
    }
  });
});
