/** What the user asks of all that Cairn does on a machine. */
import { z } from 'zod';
import { dailySpan, threads } from './scalars.ts';

/** How Cairn behaves on its machine. Work in the background is what schedules and watches start. */
export const manners = z.object({
  /** All jobs together take at most so many threads; absent: one for every core. */
  threads: threads.optional(),
  /** Work in the background at most so many; absent: half of the cores. */
  backgroundThreads: threads.optional(),
  /** All jobs together read and decode at most so many bytes of checkpoints a second. */
  bytesPerSecond: z.number().int().min(65_536).optional(),
  /** No work in the background between these times of day. */
  quiet: dailySpan.optional(),
  /** On battery work in the background waits below this charge, in percent, also where its schedule would work on battery. */
  lowBattery: z.number().int().min(0).max(100).default(20),
  /** What work in the background does where the store is reached over a network that is metered. */
  metered: z.enum(['ignore', 'wait']).default('wait'),
});
export type Manners = z.infer<typeof manners>;
