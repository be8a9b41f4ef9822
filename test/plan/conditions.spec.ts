import { describe, expect, it } from 'vitest';
import { manners as mannersSchema, policy as policySchema } from '../../core/contract/model.ts';
import { obstacleTo, type MachineState } from '../../core/plan/conditions.ts';

const noonMs = Date.parse('2026-06-01T12:00:00Z');
const mains: MachineState = { onBattery: false, percent: 5, isStoreMetered: false };
const why = (manners: object, policy: object | undefined, machine: Partial<MachineState> = {}, nowMs = noonMs): string | undefined =>
  obstacleTo(mannersSchema.parse(manners), policy && policySchema.parse(policy), { ...mains, ...machine }, nowMs, 'UTC')?.reason;

describe('work in the background', () => {
  it('goes on where nothing is in its way, on mains with an empty battery too', () => {
    expect(why({}, {})).toBeUndefined();
    expect(why({}, undefined)).toBeUndefined();
  });

  it('waits on battery where its schedule says so, and on a low one in any case', () => {
    expect(why({}, {}, { onBattery: true, percent: 90 })).toBe('the machine runs on battery');
    expect(why({}, { battery: 'ignore' }, { onBattery: true, percent: 90 })).toBeUndefined();
    expect(why({}, { battery: 'ignore' }, { onBattery: true, percent: 19.6 })).toBe('the battery is low, 20 % of at least 20 %');
    expect(why({}, undefined, { onBattery: true, percent: 7 })).toBe('the battery is low, 7 % of at least 20 %');
    expect(why({ lowBattery: 0 }, undefined, { onBattery: true, percent: 0 })).toBeUndefined();
    expect(why({}, undefined, { onBattery: true, percent: undefined })).toBeUndefined();
  });

  it('waits where the store is reached over a metered network, unless that is allowed', () => {
    expect(why({}, {}, { isStoreMetered: true })).toBe('the store is reached over a metered network');
    expect(why({ metered: 'ignore' }, {}, { isStoreMetered: true })).toBeUndefined();
  });

  it('keeps the quiet hours of its schedule and those of the machine, and says when they end', () => {
    const hours = { quiet: { from: '11:00', to: '13:30' } };
    const allDayBut = { quiet: { from: '00:00', to: '23:59' } };
    expect(why({}, hours)).toBe('quiet hours, 11:00 to 13:30');
    expect(why(allDayBut, undefined)).toBe('quiet hours, 00:00 to 23:59');
    expect(why(allDayBut, hours)).toBe('quiet hours, 11:00 to 13:30');
    expect(obstacleTo(mannersSchema.parse({}), policySchema.parse(hours), mains, noonMs, 'UTC')?.untilMs).toBe(noonMs + 90 * 60_000);
    expect(why({}, hours, {}, noonMs + 90 * 60_000)).toBeUndefined();
  });
});
