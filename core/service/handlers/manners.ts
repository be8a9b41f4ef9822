/** How Cairn behaves on this machine. */
import { availableParallelism } from 'node:os';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

export function mannersHandlers(service: ServiceAccess): Pick<Handlers, 'manners.get' | 'manners.set'> {
  return {
    'manners.get': () => ({ manners: service.settings.manners, cores: availableParallelism() }),
    'manners.set': async ({ manners }) => {
      await service.setManners(manners);
      return {};
    },
  };
}
