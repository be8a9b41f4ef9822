/** What work in the background asks of the machine: its power, whether its network is metered, and since when it has had little to do. */
import { Asked, wordsOf } from './asked.ts';
import { Idleness } from './idleness.ts';
import { askPower, readPower, type Power } from './power.ts';

const networkAgeMs = 30_000;
const powerAgeMs = 60_000;

/** NetworkManager's word for the connection in use: 1 and 3 are metered, by what is set and by a guess. */
const askNetworkManager = [
  'get-property',
  'org.freedesktop.NetworkManager',
  '/org/freedesktop/NetworkManager',
  'org.freedesktop.NetworkManager',
  'Metered',
];

/** @returns whether the answer of `busctl` says metered; one that isn't understood does not */
export function saysMetered(answer: string): boolean {
  return /^u [13]\s*$/.test(answer);
}

/** Where NetworkManager runs; elsewhere a network counts as free. */
const askMetered = async (): Promise<boolean> => saysMetered(await wordsOf('busctl', askNetworkManager));

export interface Machine {
  power(): Power;
  /** Whether the network in use costs by the byte, as of about now. */
  isMetered(): boolean;
  /** Undefined while others keep it busy. */
  idleSinceMs(nowMs: number): number | undefined;
  /** From a shell that the system tells when power changes. */
  tellPower(power: Partial<Power>): void;
}

/** Asked about every tick; between two ticks it counts as what it was. */
export function thisMachine(): Machine {
  const idleness = new Idleness();
  let told: Partial<Power> = {};
  const network = new Asked(networkAgeMs, false, askMetered);
  const asked = new Asked<Power>(powerAgeMs, { onBattery: false }, askPower);
  // Linux has it in files, which cost nothing to read.
  const power = process.platform === 'linux' ? readPower : (): Power => asked.value;
  return {
    power: () => ({ ...power(), ...told }),
    tellPower: (power) => (told = power),
    isMetered: () => network.value,
    idleSinceMs: (nowMs) => idleness.sinceMs(nowMs),
  };
}
