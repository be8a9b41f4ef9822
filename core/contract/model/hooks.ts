/** Commands of the user's that run beside a job. */
import { z } from 'zod';

/** A program and its arguments, as they are: no shell reads them. */
const hookCommand = z
  .array(
    z
      .string()
      .max(32_768)
      .refine((word) => !word.includes('\0'), 'it holds a zero byte'),
  )
  .min(1)
  .max(256);

/** Commands before and after a job, with its record as JSON on standard input. One that fails makes the job fail. */
export const hooks = z.object({
  before: hookCommand.optional(),
  after: hookCommand.optional(),
  /** Each has so long. */
  timeoutMinutes: z.number().positive().max(1440).default(10),
});
export type Hooks = z.infer<typeof hooks>;
