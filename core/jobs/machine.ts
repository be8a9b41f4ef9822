/** What schedules ask of the machine: whether it runs on battery, and since when it has had little to do. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';

const powerSupplies = '/sys/class/power_supply';
/** Of every core, on average over the last minute. */
const idleLoad = 0.25;

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * True only where the system says so: no mains supply is connected and a battery of the machine itself (not of a mouse) is there.
 *
 * @param folder where Linux tells of power supplies; elsewhere there is none, which means mains
 */
export function runsOnBattery(folder = powerSupplies): boolean {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return false;
  }
  const supplies = names.map((name) => path.join(folder, name));
  const type = (supply: string): string => read(path.join(supply, 'type'));
  const mains = supplies.filter((supply) => type(supply) === 'Mains' || type(supply).startsWith('USB'));
  if (mains.some((supply) => read(path.join(supply, 'online')) === '1')) return false;
  const batteries = supplies.filter((supply) => type(supply) === 'Battery' && read(path.join(supply, 'scope')) !== 'Device');
  return batteries.some((supply) => (mains.length > 0 ? true : read(path.join(supply, 'status')) === 'Discharging'));
}

export interface Machine {
  onBattery(): boolean;
  /** Undefined while it is busy. */
  idleSinceMs(nowMs: number): number | undefined;
}

/** Asked about every tick; between two ticks it counts as what it was. */
export function thisMachine(): Machine {
  let sinceMs: number | undefined;
  let lastMs = 0;
  return {
    onBattery: () => runsOnBattery(),
    idleSinceMs: (nowMs) => {
      // After a sleep the load of before says nothing.
      if (nowMs - lastMs > 5 * 60_000) sinceMs = undefined;
      lastMs = nowMs;
      sinceMs = loadavg()[0]! < idleLoad * availableParallelism() ? (sinceMs ?? nowMs) : undefined;
      return sinceMs;
    },
  };
}
