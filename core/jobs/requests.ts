/**
 * What may be asked of a job, also by a process that doesn't have it: the command line beside the service, the desktop beside
 * `cairn serve`. A request is left in the catalogue, which all processes of a home share; who has the job looks there several times a
 * second, does it, and leaves the answer, for which the other waits.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CairnError, failure, toFailure } from '../contract/errors.ts';

const steering = z.discriminatedUnion('act', [
  z.object({ act: z.literal('cancel') }),
  z.object({ act: z.literal('hold'), untilMs: z.number().optional() }),
  z.object({ act: z.literal('resume') }),
  z.object({ act: z.literal('move'), to: z.enum(['first', 'earlier', 'later', 'last']) }),
  z.object({ act: z.literal('threads'), threads: z.number().int().positive() }),
]);
export type Steering = z.infer<typeof steering>;

const answer = z.object({ failure: failure.optional() });

export interface RequestRecords {
  addJobRequest(request: { id: string; jobId: string; request: unknown }, nowMs: number): void;
  /** Those without an answer. */
  jobRequests(): { id: string; jobId: string; request: unknown }[];
  answerJobRequest(id: string, answer: unknown): void;
  jobRequestAnswer(id: string): unknown;
  removeJobRequest(id: string): void;
}

const askAgainMs = 25;
/** Whoever has a job answers within a fraction of a second, unless the machine is very busy. */
const patienceMs = 5000;

/**
 * Asks whoever has the job, and waits until it is done.
 *
 * @param owner in a user's words
 * @throws CairnError as the other process says; `io` where it doesn't answer
 */
export async function ask(records: RequestRecords, jobId: string, request: Steering, owner: string): Promise<void> {
  const id = randomBytes(8).toString('hex');
  records.addJobRequest({ id, jobId, request }, Date.now());
  const endMs = performance.now() + patienceMs;
  try {
    while (performance.now() < endMs) {
      const answered = answer.safeParse(records.jobRequestAnswer(id)).data;
      if (answered?.failure) throw new CairnError(answered.failure.code, answered.failure.message);
      if (answered) return;
      await sleep(askAgainMs);
    }
  } finally {
    records.removeJobRequest(id);
  }
  throw new CairnError('io', `job ${jobId} belongs to ${owner}, which does not answer; see whether that process is stopped`);
}

/**
 * Does what others ask of this process's jobs.
 *
 * @throws CairnError where the catalogue can't be read or written now
 */
export function answerAll(
  records: RequestRecords,
  isOwn: (jobId: string) => boolean,
  act: (jobId: string, request: Steering) => void,
): void {
  for (const { id, jobId, request } of records.jobRequests().filter((one) => isOwn(one.jobId)))
    records.answerJobRequest(
      id,
      outcomeOf(() => act(jobId, steering.parse(request))),
    );
}

function outcomeOf(act: () => void): z.input<typeof answer> {
  try {
    act();
    return {};
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}
