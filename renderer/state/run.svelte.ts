import type { Run, Snapshot, Step } from '../../core/contract/model.ts';
import { keyOfStep, standingOf } from '../ui/chain/chain-geometry.ts';
import { atMostEvery, Loaded } from './loaded.svelte.ts';
import { service } from './service.svelte.ts';

const noSteps: ReadonlySet<string> = new Set();

/** One run as its view shows it: the chain, which steps are selected, and what can be done with them. */
export class RunPage {
  readonly id: string;
  readonly run: Loaded<Run>;
  selected = $state.raw(noSteps);
  active = $state<string>();
  readonly chain = $derived.by<Step[]>(() => this.run.value?.chain ?? []);
  readonly chosen = $derived.by<Step[]>(() => this.chain.filter((step) => this.selected.has(keyOfStep(step))));
  /** The selected steps, or all where none is selected. */
  readonly meant = $derived.by<Step[]>(() => (this.chosen.length > 0 ? this.chosen : this.chain));
  readonly toArchive = $derived.by<Step[]>(() => this.meant.filter((step) => standingOf(step) === 'todo'));
  readonly snapshots = $derived.by<Snapshot[]>(() => this.meant.flatMap((step) => step.snapshot ?? []));

  constructor(id: string) {
    this.id = id;
    this.run = new Loaded(async () => (await service.call('runs.get', { id })).run);
  }

  /** Follows the catalogue; returns what ends it. */
  follow(): () => void {
    const reload = atMostEvery(300, () => void this.run.reload());
    const ends = [
      service.on('catalogue.changed', ({ runs }) => (runs === undefined || runs.includes(this.id)) && reload()),
      service.whenConnected(() => void this.run.reload()),
    ];
    return () => ends.forEach((end) => end());
  }
}
