/** A service of a temporary home with a client, and what tests of it need again and again. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient, type Client } from '../../core/contract/client.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import type { EventName, PayloadOf } from '../../core/contract/methods.ts';
import type { Job } from '../../core/contract/model.ts';
import { Service, type ServiceOptions } from '../../core/service/service.ts';

export const sampleChain = path.resolve('test/fixtures/sample-chain');

export class Served {
  readonly folder: string;
  readonly client: Client;
  readonly service: Service;
  readonly problems: string[];

  private constructor(folder: string, service: Service, problems: string[]) {
    const [clientEnd, serviceEnd] = inProcessPair();
    this.folder = folder;
    this.service = service;
    this.problems = problems;
    service.serve(serviceEnd);
    this.client = createClient(clientEnd);
  }

  /** @param folder of an earlier one, to open the same home and store again */
  static async open(folder?: string, more: Partial<ServiceOptions> = {}): Promise<Served> {
    const place = folder ?? (await mkdtemp(path.join(tmpdir(), 'cairn-service-')));
    const problems: string[] = [];
    const options = {
      home: path.join(place, 'home'),
      storePath: path.join(place, 'store'),
      host: 'test',
      threads: 2,
      onProblem: (message: string) => problems.push(message),
      ...more,
    };
    return new Served(place, await Service.open(options), problems);
  }

  get storePath(): string {
    return path.join(this.folder, 'store');
  }

  /** A copy of the sample chain that a test may change. */
  async copyChain(name = 'run'): Promise<string> {
    const place = path.join(this.folder, name);
    await cp(sampleChain, place, { recursive: true, preserveTimestamps: true });
    return place;
  }

  /** The job in its last state. */
  async ended(start: Promise<{ job: Job }>): Promise<Job> {
    const { job } = await start;
    for (;;) {
      const now = (await this.client.call('jobs.get', { id: job.id })).job;
      if (now.state !== 'queued' && now.state !== 'running') return now;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Every event of a name from now on. */
  collect<E extends EventName>(event: E): PayloadOf<E>[] {
    const seen: PayloadOf<E>[] = [];
    this.client.subscribe(event, (payload) => seen.push(payload));
    return seen;
  }

  async release(): Promise<void> {
    await this.service.close();
    await rm(this.folder, { recursive: true });
  }
}

/** Path below a folder -> bytes, for comparing what was restored. */
export async function bytesBelow(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const place = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.relative(folder, place)] = (await readFile(place)).toString('base64');
  }
  return found;
}

/** A run of one checkpoint: a safetensors file with one BF16 tensor of that name, of bytes that look like weights. */
export async function writeRun(run: string, tensor: string, elements: number, file = 'model.safetensors'): Promise<void> {
  const entry = { dtype: 'BF16', shape: [elements], data_offsets: [0, elements * 2] };
  const header = Buffer.from(JSON.stringify({ [tensor]: entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const weights = Buffer.alloc(elements * 2);
  for (let at = 0; at < elements; at++) weights.writeUInt16LE(0x3c00 + ((at * 2654435761) >>> 20) + (at % 7) * 4096, at * 2);
  await mkdir(path.join(run, 'step-1'), { recursive: true });
  await writeFile(path.join(run, 'step-1', file), Buffer.concat([length, header, weights]));
}
