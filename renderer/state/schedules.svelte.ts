/** The schedules of the service, asked for again whenever one changes or a job ends. */
import type { ScheduleDraft, ScheduleRun, ScheduleView } from '../../core/contract/model.ts';
import { text } from '../ui/text.ts';
import { Loaded, atMostEvery } from './loaded.svelte.ts';
import { hrefOf } from './route.svelte.ts';
import { service } from './service.svelte.ts';
import { toasts } from './toasts.svelte.ts';

export class Schedules {
  readonly #loaded = new Loaded(async () => (await service.call('schedules.list', {})).schedules);
  readonly #history = new Loaded(async () => (this.shown ? (await service.call('schedules.history', { id: this.shown })).runs : []));
  /** Id of the schedule whose history is wanted. */
  shown = $state<string | undefined>();
  readonly list = $derived<readonly ScheduleView[]>(this.#loaded.value ?? []);
  readonly loaded = $derived(this.#loaded.value !== undefined);
  readonly failure = $derived(this.#loaded.failure);
  readonly history = $derived<readonly ScheduleRun[]>(this.#history.value ?? []);

  /** Follows the service for as long as the view is open; returns what ends that. */
  follow(): () => void {
    const again = atMostEvery(200, () => void this.reload());
    const ends = [
      service.on('schedules.changed', again),
      service.on('job.changed', again),
      service.whenConnected(() => void this.reload()),
    ];
    return () => ends.forEach((end) => end());
  }

  async reload(): Promise<void> {
    await this.#loaded.reload();
    if (!this.list.some(({ id }) => id === this.shown)) this.shown = this.list[0]?.id;
    await this.#history.reload();
  }

  show(id: string): void {
    this.shown = id;
    void this.#history.reload();
  }

  /** @throws CairnError as the service says, for the editor to show */
  async save(draft: ScheduleDraft, id: string | undefined): Promise<void> {
    const { schedule } = await service.call('schedules.save', { draft, ...(id === undefined ? {} : { id }) });
    this.shown = schedule.id;
    await this.reload();
  }

  async turn(schedule: ScheduleView, enabled: boolean): Promise<void> {
    const { name, work, paths, trigger, policy } = schedule;
    await this.save({ name, work, paths, trigger, policy, enabled }, schedule.id).catch((thrown: unknown) =>
      toasts.fail(text.schedules.cannot, thrown),
    );
  }

  async remove({ id }: ScheduleView): Promise<void> {
    await service.call('schedules.remove', { id }).catch((thrown: unknown) => toasts.fail(text.schedules.cannot, thrown));
    await this.reload();
  }

  async run({ id, name }: ScheduleView): Promise<void> {
    try {
      const { job, reason } = await service.call('schedules.run', { id });
      const link = job && { label: text.jobs.show, href: hrefOf({ view: 'jobs', id: job.id }) };
      if (link) toasts.show({ tone: 'plain', title: text.schedules.started(name), about: job.id, link });
      else toasts.show({ tone: 'plain', title: text.schedules.nothing(name), ...(reason === undefined ? {} : { detail: reason }) });
    } catch (thrown) {
      toasts.fail(text.schedules.cannotRun, thrown);
    }
  }
}
