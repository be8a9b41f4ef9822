/** Sources, and scanning them or any other folder. */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { CairnError } from '../../contract/errors.ts';
import type { FolderEntry, Run } from '../../contract/model.ts';
import { scan } from '../../scan/scanner.ts';
import type { ScanResult } from '../../scan/found.ts';
import type { Handlers } from '../dispatcher.ts';
import { writeSampleChain } from '../sample-chain.ts';
import type { ServiceAccess } from './access.ts';

type SourceHandlers = Pick<
  Handlers,
  'sources.list' | 'sources.add' | 'sources.sample' | 'sources.remove' | 'sources.scan' | 'folders.list'
>;

export function sourceHandlers(service: ServiceAccess): SourceHandlers {
  return {
    'sources.list': () => ({ sources: service.settings.sources }),
    'sources.add': async ({ path: folder }) => {
      if (!(await stat(folder)).isDirectory())
        throw new CairnError('bad_request', `${folder}: it is no folder; add the folder that holds it`, { path: folder });
      const source = await service.settings.addSource(folder);
      service.emit('catalogue.changed', {});
      return { source };
    },
    'sources.sample': async () => {
      const folder = path.join(path.dirname(service.settings.path), 'sample');
      await writeSampleChain(path.join(folder, 'sample-run'));
      const source = await service.settings.addSource(folder);
      service.emit('catalogue.changed', {});
      return { source };
    },
    'sources.remove': async ({ id }) => {
      await service.settings.removeSource(id);
      service.emit('catalogue.changed', {});
      return {};
    },
    'sources.scan': async ({ paths }, signal) => scanPaths(service, paths ?? service.settings.sources.map((source) => source.path), signal),
    'folders.list': ({ path: folder }) => listFolders(path.resolve(folder ?? homedir())),
  };
}

async function scanPaths(
  service: ServiceAccess,
  paths: string[],
  signal: AbortSignal,
): Promise<{ runs: Run[]; findings: ScanResult['findings'] }> {
  const result = await scan(paths, { previous: service.catalogue.previousFile, signal });
  const ids = service.catalogue.saveScan(result);
  await noteScans(service, paths, result);
  const storeId = await service.mirror.sync();
  service.emit('catalogue.changed', { runs: ids });
  return { runs: ids.flatMap((id, index) => foundRun(service.catalogue.run(id, storeId), result.runs[index]!)), findings: result.findings };
}

/** The run with the checkpoints that this scan found: an earlier one may have found others beside them. */
function foundRun(run: Run | undefined, found: ScanResult['runs'][number]): Run[] {
  const places = new Set(found.checkpoints.map((checkpoint) => checkpoint.path));
  return run ? [{ ...run, chain: run.chain.filter(({ checkpoint }) => checkpoint && places.has(checkpoint.path)) }] : [];
}

async function noteScans({ settings }: ServiceAccess, paths: string[], { findings }: ScanResult): Promise<void> {
  const now = new Date();
  for (const source of settings.sources.filter((known) => paths.includes(known.path))) {
    await settings.noteScan(source.id, now, findings.find((finding) => finding.path === source.path)?.message);
  }
}

/** Folders only, links to folders among them, in natural order. What can't be looked at is left out. */
async function listFolders(folder: string): Promise<{ path: string; parent?: string; folders: FolderEntry[] }> {
  const entries = await readdir(folder, { withFileTypes: true });
  const folders: FolderEntry[] = [];
  for (const entry of entries) {
    const place = path.join(folder, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await stat(place).catch(() => undefined))?.isDirectory());
    if (isFolder) folders.push({ name: entry.name, path: place });
  }
  folders.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const parent = path.dirname(folder);
  return { path: folder, ...(parent === folder ? {} : { parent }), folders };
}
