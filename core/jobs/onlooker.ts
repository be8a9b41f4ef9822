/** Follows the jobs that other processes of the home have, as these write them down, and tells views of them like of one's own. */
import type { PayloadOf } from '../contract/methods.ts';
import { hasEnded, type Job } from '../contract/model.ts';
import type { JobRecords } from './job-records.ts';

export interface OnlookerOptions {
  records: Pick<JobRecords, 'version' | 'jobsSince' | 'jobLogSince' | 'lastJobKeys'>;
  /** Whether this process has, or had, the job: its views know. */
  isOwn(id: string): boolean;
  onChange(payload: PayloadOf<'job.changed'>): void;
  onLog(payload: PayloadOf<'job.log'>): void;
}

export class Onlooker {
  readonly #options: OnlookerOptions;
  #keys: { job: number; line: number };
  #version: number | undefined;
  /** What was told last of jobs that have not ended. */
  readonly #told = new Map<string, string>();

  constructor(options: OnlookerOptions) {
    this.#options = options;
    this.#keys = options.records.lastJobKeys();
  }

  /** Tells what is new since the last look. @throws CairnError where the catalogue can't be read now */
  look(): void {
    const version = this.#options.records.version();
    if (version === this.#version) return;
    const found = this.#options.records.jobsSince(this.#keys.job, [...this.#told.keys()]);
    const others = found.map(({ job }) => job).filter(({ id }) => !this.#options.isOwn(id));
    this.#tellLines(others.map(({ id }) => id));
    for (const job of others) this.#tell(job);
    this.#keys.job = Math.max(this.#keys.job, ...found.map(({ key }) => key));
    this.#version = version;
  }

  #tell(job: Job): void {
    const record = JSON.stringify(job);
    const isNews = this.#told.get(job.id) !== record;
    if (hasEnded(job)) this.#told.delete(job.id);
    else this.#told.set(job.id, record);
    if (isNews) this.#options.onChange({ job: hasEnded(job) ? job : { ...job, elsewhere: true } });
  }

  /** The end of a job is told after the last line of its log. */
  #tellLines(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const { key, id, line } of this.#options.records.jobLogSince(this.#keys.line, ids)) {
      this.#keys.line = key;
      this.#options.onLog({ id, line });
    }
  }
}
