/** The verify job: structure (tables and checksums) or data (everything decoded and compared), of some snapshots or of all. */
import type { z } from 'zod';
import { decodeContents } from '../codec/decode.ts';
import { cancelFlag, type CodecPool } from '../codec/pool.ts';
import type { verifyParams } from '../contract/methods.ts';
import type { Finding } from '../contract/model.ts';
import type { Store } from '../store/store.ts';
import { verifyData, type ContentDecoder, type VerifyDataOptions, type VerifyDataResult } from '../verify/verify-data.ts';
import { verifyStructure } from '../verify/verify-structure.ts';
import { damageOf } from './damage.ts';
import { FailedWith, type JobContext, type JobResult } from './job.ts';
import { storedContent } from './stored-content.ts';

export type VerifyParams = z.output<typeof verifyParams>;

/** Decodes one content over the pool and gives its digest. */
function decoderOver(pool: CodecPool, store: Store, cancel: Int32Array): ContentDecoder {
  return {
    async decode(digest, entry) {
      for await (const decoded of decodeContents(pool, [storedContent(store, entry)], { cancel, onBytes: () => undefined })) {
        if (decoded.error !== undefined) throw decoded.error;
        return decoded.digest!;
      }
      return digest; // a content of no bytes has nothing to decode
    },
  };
}

async function chosen(store: Store, names: readonly string[]): Promise<string[] | undefined> {
  return names.length === 0 ? undefined : [...new Set(await Promise.all(names.map((name) => store.resolve(name))))];
}

function report(context: JobContext, findings: readonly Finding[]): void {
  for (const { severity, message } of findings) context.log(severity, message);
  if (findings.length === 0) context.log('info', 'nothing found: everything is as it was archived');
}

/** @throws CairnError `not_found` where a snapshot or the store is missing, `cancelled`; what is damaged is among `findings`; FailedWith where `strict` and there are any. */
export async function verifyJob(context: JobContext, params: VerifyParams): Promise<JobResult> {
  const started = performance.now();
  const store = await context.readStore();
  const snapshots = await chosen(store, params.snapshots);
  const onProgress: VerifyDataOptions['onProgress'] = ({ bytesDone, bytesTotal }) =>
    context.progress({ phase: params.mode, bytesDone, bytesTotal, itemsDone: 0, itemsTotal: snapshots?.length ?? 0 });
  const options = { ...(snapshots ? { snapshots } : {}), signal: context.signal, onProgress };
  const result: VerifyDataResult =
    params.mode === 'structure'
      ? await verifyStructure(store, { ...options, pace: (runs) => context.pool(params.threads).paced(runs) })
      : await verifyAll(context, store, params, options);
  report(context, result.findings);
  const { bytesRead, findings } = result;
  const verification = {
    ...{ time: new Date().toISOString(), mode: params.mode, snapshots: result.snapshots },
    ...{ bytesRead, findings: findings.length },
  };
  // What was asked for by snapshot says nothing of how far the whole store was covered.
  context.catalogue.addVerification(store.id, verification, snapshots ? undefined : result.next);
  const record: JobResult = { mode: params.mode, percent: params.percent, ...result, seconds: (performance.now() - started) / 1000 };
  const damage = params.strict ? damageOf(findings) : undefined;
  if (damage) throw new FailedWith(damage, record);
  return record;
}

async function verifyAll(
  context: JobContext,
  store: Store,
  params: VerifyParams,
  options: VerifyDataOptions,
): ReturnType<typeof verifyData> {
  const pool = context.pool(params.threads);
  const decoder = decoderOver(pool, store, cancelFlag(context.signal));
  const after = options.snapshots ? undefined : context.catalogue.coverageNext(store.id);
  return verifyData(store, decoder, { ...options, percent: params.percent, parallel: pool.threads * 2, ...(after ? { after } : {}) });
}
