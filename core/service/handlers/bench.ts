/** The codec benchmark on the user's own checkpoints. */
import { bench } from '../../analysis/bench.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

export function benchHandlers(service: ServiceAccess): Pick<Handlers, 'bench.run'> {
  return {
    'bench.run': async ({ threads, ...params }, { signal }) => {
      const pool = service.stages.pool(threads);
      return { results: await Array.fromAsync(bench({ ...params, pool, signal })) };
    },
  };
}
