/** Whether work in the background may go on now, and why not. No clock and no I/O. */
import type { Manners, Policy } from '../contract/model.ts';
import { quietUntil } from './schedule.ts';

/** What the machine says of itself. */
export interface MachineState {
  onBattery: boolean;
  /** Charge in percent, where it is known. */
  percent?: number | undefined;
  /** The store lies at the other end of a network that costs by the byte. */
  isStoreMetered: boolean;
}

export interface Obstacle {
  reason: string;
  /** When it is over by itself. */
  untilMs?: number;
}

/**
 * The first thing in the way.
 *
 * @param policy of the schedule; absent for work that no schedule started
 * @param timeZone of quiet hours; by default that of the machine
 */
export function obstacleTo(
  manners: Pick<Manners, 'quiet' | 'lowBattery' | 'metered'>,
  policy: Pick<Policy, 'quiet' | 'battery'> | undefined,
  machine: MachineState,
  nowMs: number,
  timeZone?: string,
): Obstacle | undefined {
  const { onBattery, percent, isStoreMetered } = machine;
  const quiet = quietOf(policy?.quiet, nowMs, timeZone) ?? quietOf(manners.quiet, nowMs);
  if (quiet) return quiet;
  if (onBattery && policy?.battery === 'wait') return { reason: 'the machine runs on battery' };
  if (onBattery && percent !== undefined && percent < manners.lowBattery)
    return { reason: `the battery is low, ${Math.round(percent)} % of at least ${manners.lowBattery} %` };
  if (isStoreMetered && manners.metered === 'wait') return { reason: 'the store is reached over a metered network' };
  return undefined;
}

function quietOf(quiet: Policy['quiet'], nowMs: number, timeZone?: string): Obstacle | undefined {
  const untilMs = quietUntil(quiet, nowMs, timeZone);
  return untilMs === undefined ? undefined : { reason: `quiet hours, ${quiet!.from} to ${quiet!.to}`, untilMs };
}
