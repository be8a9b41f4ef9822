/** What can be done with one job: by keys on the page, and in its menu. */
import { pausableKinds, type Job } from '../../../core/contract/model.ts';
import { cancel, move, pause, resume, retry } from '../../state/actions.svelte.ts';
import { copyCommand } from '../../state/clipboard.svelte.ts';
import type { Command } from '../../state/commands.svelte.ts';
import { jobs } from '../../state/jobs.svelte.ts';
import { place } from '../../state/route.svelte.ts';
import { text } from '../../ui/text.ts';

const words = text.jobs;
const group = text.palette.groups.here;

export const isEnded = (job: Job): boolean => jobs.ended.includes(job);
export const isWaiting = (job: Job): boolean => jobs.queued.includes(job);
export const canPause = (job: Job): boolean => !isEnded(job) && (isWaiting(job) || pausableKinds.has(job.kind));

/** Queues it again and shows that. */
export async function again(job: Job): Promise<void> {
  const started = await retry(job);
  if (started) place.go({ view: 'jobs', id: started.id });
}

export function jobCommands(job: Job | undefined): Command[] {
  const acts = (act: (job: Job) => unknown) => (): void => void (job && act(job));
  const waits = job !== undefined && isWaiting(job);
  const paused = job?.state === 'paused';
  return [
    {
      id: 'pause',
      title: paused ? words.resumeJob : words.pauseJob,
      keys: 'p',
      group,
      disabled: !job || !(paused || canPause(job)),
      run: acts((one) => (paused ? resume(one) : pause(one))),
    },
    { id: 'cancel', title: words.cancel, keys: 'c', group, disabled: !job || isEnded(job), run: acts(cancel) },
    { id: 'earlier', title: words.earlier, keys: '[', group, disabled: !waits, run: acts((one) => move(one, 'earlier')) },
    { id: 'later', title: words.later, keys: ']', group, disabled: !waits, run: acts((one) => move(one, 'later')) },
    { id: 'retry', title: words.retryJob, keys: 't', group, disabled: !job || !isEnded(job), run: acts(again) },
  ];
}

/** The same for any job of the list, and what can be copied of it. */
export const jobMenu = (job: Job): Command[] => [
  ...jobCommands(job),
  copyCommand('copy-command', text.copyCommand, job.command),
  copyCommand('copy-id', text.copyId, job.id),
];
