/** What work in the background asks of the machine: its power, whether its network is metered, and since when it has had little to do. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Idleness } from './idleness.ts';

const powerSupplies = '/sys/class/power_supply';
const networkAgeMs = 30_000;

export interface Power {
  /** True only where the system says so. */
  onBattery: boolean;
  /** Charge of the batteries together, 0 to 100, where it is known. */
  percent?: number;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function suppliesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

/**
 * On battery: no mains supply is connected, and a battery of the machine itself (not of a mouse) is there.
 *
 * @param folder where Linux tells of power supplies; elsewhere there is none, which means mains
 */
export function readPower(folder = powerSupplies): Power {
  const supplies = suppliesIn(folder);
  const type = (supply: string): string => read(path.join(supply, 'type'));
  const mains = supplies.filter((supply) => type(supply) === 'Mains' || type(supply).startsWith('USB'));
  const batteries = supplies.filter((supply) => type(supply) === 'Battery' && read(path.join(supply, 'scope')) !== 'Device');
  const isConnected = mains.some((supply) => read(path.join(supply, 'online')) === '1');
  const discharges = (supply: string): boolean => mains.length > 0 || read(path.join(supply, 'status')) === 'Discharging';
  const charges = batteries.map((supply) => read(path.join(supply, 'capacity'))).filter((text) => /^\d+$/.test(text));
  const percent = charges.length > 0 ? { percent: charges.reduce((sum, text) => sum + Number(text), 0) / charges.length } : {};
  return { onBattery: !isConnected && batteries.some(discharges), ...percent };
}

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
function askMetered(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('busctl', askNetworkManager, { timeout: 2000 }, (_error, stdout) => resolve(saysMetered(stdout)));
  });
}

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
  const network = { isMetered: false, askedMs: -Infinity };
  return {
    power: () => ({ ...readPower(), ...told }),
    tellPower: (power) => (told = power),
    isMetered: () => {
      const nowMs = performance.now();
      if (nowMs - network.askedMs > networkAgeMs) {
        network.askedMs = nowMs;
        void askMetered().then((isMetered) => (network.isMetered = isMetered));
      }
      return network.isMetered;
    },
    idleSinceMs: (nowMs) => idleness.sinceMs(nowMs),
  };
}
