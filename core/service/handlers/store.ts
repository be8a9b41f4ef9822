/** The store as a whole: what it takes, when it was verified, and what is wrong on this machine. */
import { stat } from 'node:fs/promises';
import { CairnError, toCairnError } from '../../contract/errors.ts';
import type { Finding, StoreStatus } from '../../contract/model.ts';
import { breakLock } from '../../store/lock.ts';
import { statusOfStore } from '../../store/status.ts';
import { examine } from '../../verify/doctor.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

export function storeHandlers(
  service: ServiceAccess,
): Pick<Handlers, 'service.about' | 'store.status' | 'store.doctor' | 'store.breakLock'> {
  return {
    'service.about': () => service.about(),
    'store.status': async () => ({ store: await statusOf(service) }),
    'store.doctor': async () => ({ findings: [...(await sourceFindings(service)), ...(await storeFindings(service))] }),
    'store.breakLock': async () => {
      if (service.store.isWriting)
        throw new CairnError('locked', `${service.store.path}: this Cairn itself writes to it; cancel its jobs instead`);
      const owner = await breakLock(service.store.backend);
      return owner === undefined ? {} : { owner };
    },
  };
}

/** A store that is not there yet has nothing in it, and no id. */
async function statusOf({ store, catalogue }: ServiceAccess): Promise<StoreStatus> {
  if (!(await store.exists())) {
    return {
      path: store.path,
      id: '',
      parity: false,
      snapshots: 0,
      packs: 0,
      bytesOriginal: 0,
      bytesStored: 0,
      bytesFree: await store.backend.freeBytes(),
      byRun: [],
    };
  }
  const reading = await store.read();
  const status = await statusOfStore(reading);
  const [last] = catalogue.verifications(reading.id, 1);
  return { ...status, ...(last ? { lastVerify: { time: last.time, mode: last.mode, findings: last.findings } } : {}) };
}

async function storeFindings({ store }: ServiceAccess): Promise<Finding[]> {
  if (!(await store.exists())) return [];
  try {
    const reading = await store.read();
    const unreadable: Finding[] = [];
    await reading.snapshots((id, { message }) =>
      unreadable.push({ code: 'manifest-unreadable', severity: 'error', snapshot: id, message }),
    );
    return [...unreadable, ...(await examine(reading))];
  } catch (thrown) {
    const { code, message } = toCairnError(thrown);
    return [{ code: `store-${code}`, severity: 'error', path: store.path, message }];
  }
}

async function sourceFindings({ settings }: ServiceAccess): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { path } of settings.sources) {
    const { code, message } = await stat(path).then(
      () => ({ code: undefined, message: '' }),
      (thrown: unknown) => toCairnError(thrown),
    );
    if (code !== undefined) findings.push({ code: 'source-unreachable', severity: 'warning', path, message: `source ${message}` });
  }
  return findings;
}
