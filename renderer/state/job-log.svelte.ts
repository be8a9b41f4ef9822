import { toCairnError, type CairnError } from '../../core/contract/errors.ts';
import type { JobLogLine } from '../../core/contract/model.ts';
import { jobs } from './jobs.svelte.ts';
import { service } from './service.svelte.ts';

/** More lines than a person reads; the oldest go. */
const mostLines = 5000;

/** The log of one job: what was written so far, then each line as it comes. */
export class JobLog {
  readonly #id: string;
  lines = $state.raw<readonly JobLogLine[]>([]);
  failure = $state.raw<CairnError>();

  constructor(id: string) {
    this.#id = id;
  }

  /** Returns what ends it. */
  follow(): () => void {
    const ends = [
      service.on('job.log', ({ id, line }) => {
        if (id === this.#id) this.lines = [...this.lines, line].slice(-mostLines);
      }),
      service.whenConnected(() => void this.#read()),
    ];
    return () => ends.forEach((end) => end());
  }

  async #read(): Promise<void> {
    try {
      const { job, log } = await service.call('jobs.get', { id: this.#id });
      jobs.put(job);
      this.lines = log.slice(-mostLines);
      this.failure = undefined;
    } catch (thrown) {
      this.failure = toCairnError(thrown);
    }
  }
}
