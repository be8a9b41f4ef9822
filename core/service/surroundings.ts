/** What the machine says of itself, and of the way to the store; what work in the background goes by. */
import { thisMachine, type Machine } from '../jobs/machine.ts';
import type { Power } from '../jobs/power.ts';
import type { MachineState } from '../plan/conditions.ts';
import type { Backend } from '../store/backends/backend.ts';

/** Reading it from the system costs something, and conditions are looked at several times a second. */
const ageMs = 2000;

export class Surroundings {
  readonly #machine: Machine;
  readonly #backend: Pick<Backend, 'isRemote'>;
  readonly #nowMs: () => number;
  #isRemote: boolean | undefined;
  #seen: { atMs: number; state: MachineState } | undefined;

  constructor(backend: Pick<Backend, 'isRemote'>, machine = thisMachine(), nowMs: () => number = () => performance.now()) {
    this.#machine = machine;
    this.#backend = backend;
    this.#nowMs = nowMs;
  }

  /** A store that was not asked yet, or can't be reached, counts as of this machine. */
  state(): MachineState {
    const nowMs = this.#nowMs();
    if (this.#seen && nowMs - this.#seen.atMs < ageMs) return this.#seen.state;
    if (this.#isRemote === undefined) this.#ask();
    const { onBattery, percent } = this.#machine.power();
    const state = { onBattery, percent, isStoreMetered: this.#isRemote === true && this.#machine.isMetered() };
    this.#seen = { atMs: nowMs, state };
    return state;
  }

  idleSinceMs(nowMs: number): number | undefined {
    return this.#machine.idleSinceMs(nowMs);
  }

  /** From a shell that the system tells when power changes. */
  tellPower(power: Partial<Power>): void {
    this.#machine.tellPower(power);
    this.#seen = undefined;
  }

  #ask(): void {
    this.#isRemote = false;
    this.#backend.isRemote().then(
      (isRemote) => (this.#isRemote = isRemote),
      () => (this.#isRemote = undefined),
    );
  }
}
