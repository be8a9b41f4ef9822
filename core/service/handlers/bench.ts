/** The codec benchmark on the user's own checkpoints. */
import { bench, type BenchOptions } from '../../analysis/bench.ts';
import type { BenchRecord } from '../../contract/model.ts';
import { benchFiles } from '../../jobs/file-bench.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

export function benchHandlers({ stages }: ServiceAccess): Pick<Handlers, 'bench.run'> {
  return {
    'bench.run': async ({ threads, files, ...params }, signal) => {
      const results: BenchRecord[] = [];
      const pool = stages.pool(threads);
      const pools = pool.threads === 1 ? [pool] : [stages.pool(1), pool];
      const options: BenchOptions = { ...params, pool, signal };
      if (files) options.files = (subject, memcpyGiBps) => benchFiles(subject, memcpyGiBps, { ...params, pools, signal });
      for await (const record of bench(options)) results.push(record);
      return { results };
    },
  };
}
