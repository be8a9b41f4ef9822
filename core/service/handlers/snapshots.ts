/** Runs and snapshots: what is on disk and what the store holds. */
import path from 'node:path';
import { CairnError } from '../../contract/errors.ts';
import type { Run, Snapshot } from '../../contract/model.ts';
import { diffSnapshots } from '../../jobs/diff.ts';
import { storedContentOf } from '../../jobs/stored-content.ts';
import { planRestore } from '../../restore/plan-restore.ts';
import { wantedFiles } from '../../restore/restore.ts';
import { sha256Of } from '../../restore/sha256.ts';
import { summarise } from '../../store/snapshots.ts';
import type { Handlers } from '../dispatcher.ts';
import { noStoreId } from '../snapshot-mirror.ts';
import type { ServiceAccess } from './access.ts';

type SnapshotHandlers = Pick<
  Handlers,
  | 'runs.list'
  | 'runs.get'
  | 'snapshots.list'
  | 'snapshots.get'
  | 'snapshots.sha256'
  | 'snapshots.tensors'
  | 'snapshots.diff'
  | 'snapshots.pin'
  | 'restore.plan'
>;

export function snapshotHandlers(service: ServiceAccess): SnapshotHandlers {
  const { catalogue, mirror, store } = service;
  return {
    'runs.list': async () => ({ runs: catalogue.runSummaries(await mirror.forAnswer()) }),
    'runs.get': async ({ id }) => ({ run: await runOf(service, id) }),
    'snapshots.list': async ({ run }) => ({ snapshots: await mirror.withPins(await snapshotsOf(service, run)) }),
    'snapshots.get': async ({ snapshot: name }) => {
      const id = await (await store.read()).resolve(name);
      const contents = await service.contents();
      return { snapshot: await snapshotOf(service, id), files: await contents.files(id), dropped: await contents.dropped(id) };
    },
    'snapshots.sha256': async ({ snapshot: name, file }) => {
      const reading = await store.read();
      const manifest = await reading.manifest(await reading.resolve(name));
      if (!manifest.files.some(({ path }) => path === file))
        throw new CairnError('not_found', `${file}: the snapshot has no such file; cairn show lists them`);
      return { sha256: await sha256Of(manifest, file, service.stages.pool(), (digest) => storedContentOf(reading, digest)) };
    },
    'snapshots.tensors': async ({ snapshot: name, offset, limit }) => {
      const id = await (await store.read()).resolve(name);
      return (await service.contents()).tensors(id, offset, limit);
    },
    'snapshots.diff': async ({ a, b, ...page }) => {
      const reading = await store.read();
      return { diff: await diffSnapshots(reading, await reading.resolve(a), await reading.resolve(b), page) };
    },
    'restore.plan': async ({ snapshot: name, to, files, ...tensor }) => {
      const reading = await store.read();
      const manifest = await reading.manifest(await reading.resolve(name));
      return planRestore(manifest, { to: to === undefined ? undefined : path.resolve(to), wanted: wantedFiles(files), ...tensor });
    },
    'snapshots.pin': ({ snapshots, pinned }) => pin(service, snapshots, pinned),
  };
}

async function runOf({ catalogue, mirror }: ServiceAccess, id: string): Promise<Run> {
  const run = catalogue.run(id, await mirror.forAnswer());
  if (!run) throw new CairnError('not_found', `${id}: no such run; scan its folder again`);
  const pinned = new Map(
    (await mirror.withPins(run.chain.flatMap(({ snapshot }) => snapshot ?? []))).map((snapshot) => [snapshot.id, snapshot]),
  );
  return {
    ...run,
    chain: run.chain.map((step) => (step.snapshot ? { ...step, snapshot: pinned.get(step.snapshot.id) ?? step.snapshot } : step)),
  };
}

/** Of one run where its id, name or path is given. */
async function snapshotsOf({ catalogue, mirror }: ServiceAccess, name: string | undefined): Promise<Snapshot[]> {
  const storeId = await mirror.sync();
  if (name === undefined) return storeId === noStoreId ? [] : catalogue.snapshots(storeId);
  const runs = catalogue.runSummaries(storeId).filter((run) => run.id === name || run.name === name || run.path === name);
  if (runs.length === 0) throw new CairnError('not_found', `${name}: no such run; see cairn ls`);
  return runs.flatMap((run) => catalogue.snapshots(storeId, run.id));
}

async function snapshotOf({ store, mirror }: ServiceAccess, id: string): Promise<Snapshot> {
  const [snapshot] = await mirror.withPins([summarise(id, await (await store.read()).manifest(id))]);
  return snapshot!;
}

async function pin(service: ServiceAccess, names: string[], pinned: boolean): Promise<{ snapshots: Snapshot[] }> {
  const reading = await service.store.read();
  const ids = [...new Set(await Promise.all(names.map((name) => reading.resolve(name))))];
  const writing = await service.store.write(false);
  try {
    for (const id of ids) await writing.store.pin(id, pinned);
  } finally {
    await writing.close();
  }
  service.emit('catalogue.changed', {});
  return { snapshots: await Promise.all(ids.map((id) => snapshotOf(service, id))) };
}
