/** The codec benchmark on the user's own checkpoints. */
import { bench } from '../../analysis/bench.ts';
import type { BenchRecord } from '../../contract/model.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

export function benchHandlers(service: ServiceAccess): Pick<Handlers, 'bench.run'> {
  return {
    'bench.run': async ({ threads, ...params }, signal) => {
      const results: BenchRecord[] = [];
      for await (const record of bench({ ...params, pool: service.stages.pool(threads), signal })) results.push(record);
      return { results };
    },
  };
}
