/** The restore job: a whole snapshot, some of its files, or one tensor. */
import path from 'node:path';
import type { z } from 'zod';
import { cancelFlag } from '../codec/pool.ts';
import type { restoreParams } from '../contract/methods.ts';
import { restoreFiles, wantedFiles, type RestoreOptions } from '../restore/restore.ts';
import { exportTensor } from '../restore/tensor-export.ts';
import type { Manifest } from '../store/manifest.ts';
import type { Store } from '../store/store.ts';
import type { JobContext, JobResult } from './job.ts';
import { removePlaceholder } from './placeholder.ts';
import { storedContentOf } from './stored-content.ts';

export type RestoreParams = z.output<typeof restoreParams>;

/** Decoding and comparing are half of the work each. */
function progressOf(context: JobContext, manifest: Manifest, wanted: (file: string) => boolean): RestoreOptions['onBytes'] {
  const files = manifest.files.filter((file) => wanted(file.path));
  const bytesTotal = files.reduce((sum, file) => sum + file.size, 0);
  let done = 0;
  return (phase, bytes) => {
    done += bytes / 2;
    const bytesDone = Math.min(Math.floor(done), bytesTotal);
    context.progress({ phase, bytesDone, bytesTotal, itemsDone: 0, itemsTotal: files.length });
  };
}

function optionsFor(context: JobContext, params: RestoreParams, store: Store, manifest: Manifest): RestoreOptions {
  const wanted = wantedFiles(params.files);
  return {
    pool: context.pool(params.threads),
    cancel: cancelFlag(context.signal),
    to: path.resolve(params.to),
    force: params.force,
    wanted,
    content: (digest) => storedContentOf(store, digest),
    onBytes: progressOf(context, manifest, wanted),
  };
}

/** A checkpoint of one file is restored into a folder, others are one: where it was released, it is undone now. */
async function clearPlaceholders(to: string, manifest: Manifest, id: string): Promise<void> {
  const alone = manifest.files.length === 1 ? [path.join(to, manifest.files[0]!.path)] : [];
  for (const original of [to, ...alone]) await removePlaceholder(original, id);
}

/** @throws CairnError as `restoreFiles` and `exportTensor`. */
export async function restoreJob(context: JobContext, params: RestoreParams): Promise<JobResult> {
  const started = performance.now();
  const store = await context.readStore();
  const id = await store.resolve(params.snapshot);
  const manifest = await store.manifest(id);
  const options = optionsFor(context, params, store, manifest);
  const restored =
    params.tensor === undefined
      ? await restoreFiles(manifest, options)
      : await exportTensor(manifest, params.tensor, params.tensorFormat, options);
  const isWhole = params.tensor === undefined && manifest.files.every((file) => options.wanted(file.path));
  // Beside some of the files it still says how to get the others back.
  if (isWhole) await clearPlaceholders(options.to, manifest, id);
  context.log('info', `${manifest.run.name}@${manifest.step}: ${restored.files} files, ${restored.bytes} bytes restored to ${options.to}`);
  return { ...restored, to: options.to, seconds: (performance.now() - started) / 1000 };
}
