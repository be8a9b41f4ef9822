/** What the shell knows of jobs, from its own connection to the service: enough for the tray, the taskbar and a notification. */
import type { Client } from '../core/contract/client.ts';
import type { Job } from '../core/contract/model.ts';

export interface JobWatchOptions {
  /** Something below is different now. */
  onChange(): void;
  /** A job has failed. */
  onFailure(job: Job): void;
  /** When somebody looked last; kept from one start to the next. */
  looked: { readonly atMs: number; now(): void };
}

/** Not ended: it goes on by itself, or when its pause is over. */
const active: ReadonlySet<Job['state']> = new Set(['queued', 'waiting', 'running', 'paused']);
const isActive = (job: Job): boolean => active.has(job.state);

export class JobWatch {
  readonly #options: JobWatchOptions;
  readonly #active = new Map<string, Job>();
  #failed: Job | undefined;

  constructor(options: JobWatchOptions) {
    this.#options = options;
  }

  /** Jobs that have not ended. */
  get active(): Job[] {
    return [...this.#active.values()];
  }

  /** Those that end with this application. */
  get own(): Job[] {
    return this.active.filter(({ elsewhere }) => !elsewhere);
  }

  get running(): Job[] {
    return this.active.filter((job) => job.state === 'running');
  }

  /** The last job that failed since somebody looked. */
  get failed(): Job | undefined {
    return this.#failed;
  }

  /** Done bytes of all bytes of the running jobs, 0 to 1; undefined where none runs or none knows yet. */
  get fraction(): number | undefined {
    const total = this.running.reduce((sum, job) => sum + job.progress.bytesTotal, 0);
    return total > 0 ? this.running.reduce((sum, job) => sum + job.progress.bytesDone, 0) / total : undefined;
  }

  /** Follows another connection; what was known of the one before is forgotten. */
  async follow(client: Client): Promise<void> {
    this.#active.clear();
    client.subscribe('job.changed', ({ job }) => this.#take(job));
    client.onClose(() => this.#lose());
    const { jobs } = await client.call('jobs.list', {});
    for (const job of jobs.filter(isActive)) this.#active.set(job.id, job);
    this.#failed ??= jobs.find((job) => job.state === 'failed' && Date.parse(job.ended ?? '') > this.#options.looked.atMs);
    this.#options.onChange();
  }

  /** The user sees the window, and so the failure. */
  looked(): void {
    this.#options.looked.now();
    if (!this.#failed) return;
    this.#failed = undefined;
    this.#options.onChange();
  }

  /** The service is gone, and with it what it was doing. */
  #lose(): void {
    const [lost] = this.own.filter((job) => job.state === 'running');
    this.#active.clear();
    if (lost) this.#fail({ ...lost, state: 'interrupted', error: { code: 'internal', message: 'the service ended; retry the job' } });
    this.#options.onChange();
  }

  #fail(job: Job): void {
    this.#failed = job;
    this.#options.onFailure(job);
  }

  #take(job: Job): void {
    this.#active.delete(job.id);
    if (isActive(job)) this.#active.set(job.id, job);
    // One of another process may be over before it was seen.
    else if (job.state === 'failed') this.#fail(job);
    this.#options.onChange();
  }
}
