import { hasEnded, type Job, type QueuePause } from '../../core/contract/model.ts';
import { text } from '../ui/text.ts';
import { hrefOf } from './route.svelte.ts';
import { service } from './service.svelte.ts';
import { toasts, type Toast } from './toasts.svelte.ts';

type Remedy = (job: Job) => Toast['action'];

/** Every job the service knows, newest first, kept up to date by its events. */
class Jobs {
  #byId = $state.raw<ReadonlyMap<string, Job>>(new Map());
  readonly #remedies = new Map<string, Remedy>();
  readonly #hushed = new Set<string>();
  loaded = $state(false);
  readonly list = $derived([...this.#byId.values()].sort((a, b) => b.queued.localeCompare(a.queued)));
  readonly running = $derived(this.list.filter((job) => job.state === 'running'));
  /** Begun, but held. */
  readonly paused = $derived(this.list.filter((job) => job.state === 'paused' && job.started !== undefined));
  /** Not begun, in the order of their turns. */
  readonly queued = $derived(
    this.list.filter((job) => !hasEnded(job) && job.started === undefined).sort((a, b) => (a.order ?? 0) - (b.order ?? 0)),
  );
  /** The pause of everything, where there is one. */
  pause = $state.raw<QueuePause | undefined>();
  readonly ended = $derived(this.list.filter(hasEnded));
  readonly failed = $derived(this.ended.filter((job) => job.state === 'failed'));

  start(): void {
    service.on('job.changed', ({ job }) => this.#follow(job));
    service.on('queue.changed', ({ pause }) => void (this.pause = pause));
    service.whenConnected(() => void this.reload());
  }

  get(id: string): Job | undefined {
    return this.#byId.get(id);
  }

  async reload(): Promise<void> {
    try {
      const { jobs, pause } = await service.call('jobs.list', {});
      this.pause = pause;
      this.#byId = new Map(jobs.map((job) => [job.id, job]));
      this.loaded = true;
    } catch (thrown) {
      toasts.fail(text.jobs.cannotList, thrown);
    }
  }

  put(job: Job): void {
    this.#byId = new Map([...this.#byId, [job.id, job]]);
  }

  /** What to offer beside the message, should the job fail. */
  onFailure(id: string, remedy: Remedy): void {
    this.#remedies.set(id, remedy);
  }

  /** Nothing is said of its end. */
  hush(id: string): void {
    this.#hushed.add(id);
  }

  /** Whether the job that archives this run is at work or waiting. */
  isArchiving(runPath: string): boolean {
    return [...this.running, ...this.queued].some((job) => job.kind === 'archive' && job.command.includes(runPath));
  }

  #follow(job: Job): void {
    const before = this.#byId.get(job.id);
    this.put(job);
    if (before !== undefined && !hasEnded(before) && hasEnded(job)) this.#announceEnd(job);
  }

  #announceEnd(job: Job): void {
    if (this.#hushed.delete(job.id)) return;
    const link = { label: text.jobs.show, href: hrefOf({ view: 'jobs', id: job.id }) };
    const about = job.id;
    const action = this.#remedies.get(job.id)?.(job);
    this.#remedies.delete(job.id);
    if (job.state === 'done') toasts.show({ tone: 'good', title: text.jobs.finished(job.title), link, about });
    else if (job.state === 'cancelled') toasts.show({ tone: 'plain', title: text.jobs.wasCancelled(job.title), link, about });
    else
      toasts.show({
        tone: 'bad',
        title: text.jobs.didFail(job.title),
        detail: job.error?.message,
        link,
        about,
        ...(action ? { action } : {}),
      });
  }
}

export const jobs = new Jobs();
