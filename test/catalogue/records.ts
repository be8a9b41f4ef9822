/** Records for catalogue tests, and a catalogue in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import type { Job, Snapshot } from '../../core/contract/model.ts';
import type { FoundCheckpoint, FoundRun, ScanResult } from '../../core/scan/found.ts';

export const storeId = 'a'.repeat(32);
export const baseMs = 1_700_000_000_000;

/** A folder for one test, and catalogues opened in it that are closed after it. */
export function temporaryCatalogue() {
  const held = { folder: '', path: '', open: () => Catalogue.open(held.path) };
  let opened: Catalogue[] = [];
  beforeEach(async () => {
    held.folder = await mkdtemp(join(tmpdir(), 'cairn-catalogue-'));
    held.path = join(held.folder, 'home', 'catalogue.sqlite');
    held.open = () => {
      const catalogue = Catalogue.open(held.path);
      opened.push(catalogue);
      return catalogue;
    };
  });
  afterEach(async () => {
    for (const catalogue of opened) catalogue.close();
    opened = [];
    await rm(held.folder, { recursive: true, force: true });
  });
  return held;
}

export function snapshot(step: number, more: Partial<Snapshot> = {}): Snapshot {
  const time = new Date(baseMs + step * 1000).toISOString();
  return {
    id: step.toString(16).padStart(32, '0'),
    run: 'ft',
    runPath: '/runs/ft',
    step,
    path: `checkpoint-${step}`,
    time,
    created: time,
    kind: 'delta',
    depth: 1,
    files: 2,
    tensors: 10,
    bytesOriginal: 1000,
    bytesStored: 300,
    method: 'cairn',
    sealed: true,
    pinned: false,
    ...more,
  };
}

export function checkpoint(step: number, more: Partial<FoundCheckpoint> = {}): FoundCheckpoint {
  const file = {
    path: 'model.safetensors',
    size: 1000,
    mtimeNs: BigInt(baseMs + step * 1000) * 1_000_000n + 123n,
    inode: BigInt(step),
    device: 2n ** 64n - 1n,
    mode: 0o644,
  };
  return {
    path: `/runs/ft/checkpoint-${step}`,
    step,
    stepFrom: 'state',
    files: [{ ...file, header: { version: 1, format: 'safetensors', whole: true, facts: { answer: [step] } } }],
    folders: [],
    links: [],
    state: 'complete',
    parts: ['weights'],
    formats: ['safetensors'],
    ...more,
  };
}

export function scanResult(checkpoints: FoundCheckpoint[], more: Partial<FoundRun> = {}, roots = ['/runs']): ScanResult {
  const run = { path: '/runs/ft', name: 'ft', layout: 'hf-trainer', checkpoints, losses: [{ step: 100, loss: 2.5 }], ...more };
  return { runs: checkpoints.length > 0 ? [run] : [], roots, findings: [] };
}

export function job(id: string, more: Partial<Job> = {}): Job {
  const progress = { phase: 'waiting', bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, bytesPerSecond: 0 };
  return {
    id,
    kind: 'archive',
    title: 'Archive /runs',
    command: 'cairn archive /runs',
    state: 'queued',
    queued: new Date(baseMs).toISOString(),
    progress,
    ...more,
  };
}
