/** What the machine says of its power and its network. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saysMetered, thisMachine } from '../../core/jobs/machine.ts';
import { powerOfPmset, powerOfPowerStatus, readPower } from '../../core/jobs/power.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-power-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function supply(name: string, files: Record<string, string>): void {
  mkdirSync(path.join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, name, file), `${text}\n`);
}

describe('a battery', () => {
  it('counts where no mains is connected and it is the machine’s own', () => {
    expect(readPower(path.join(folder, 'none'))).toEqual({ onBattery: false });
    expect(readPower(folder)).toEqual({ onBattery: false });
    supply('mouse', { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '3' });
    expect(readPower(folder)).toEqual({ onBattery: false });
    supply('BAT0', { type: 'Battery', status: 'Discharging' });
    expect(readPower(folder)).toEqual({ onBattery: true });
    supply('AC', { type: 'Mains', online: '1' });
    expect(readPower(folder)).toEqual({ onBattery: false });
    supply('AC', { online: '0' });
    expect(readPower(folder)).toEqual({ onBattery: true });
  });

  it('says how full it is; several count together, and nonsense doesn’t', () => {
    supply('BAT0', { type: 'Battery', status: 'Discharging', capacity: '30' });
    expect(readPower(folder)).toEqual({ onBattery: true, percent: 30 });
    supply('BAT1', { type: 'Battery', status: 'Full', capacity: '90' });
    supply('BAT2', { type: 'Battery', status: 'Unknown', capacity: 'soon' });
    expect(readPower(folder)).toEqual({ onBattery: true, percent: 60 });
  });

  it('is what macOS says of it', () => {
    const said = (source: string, ...batteries: string[]): string => [`Now drawing from '${source}'`, ...batteries, ''].join('\n');
    const inside = (rest: string): string => ` -InternalBattery-0 (id=22806627)\t${rest}`;
    expect(powerOfPmset(said('Battery Power', inside('78%; discharging; 5:05 remaining present: true')))).toEqual({
      onBattery: true,
      percent: 78,
    });
    expect(powerOfPmset(said('Battery Power', inside('9%; discharging; (no estimate) present: true')))).toEqual({
      onBattery: true,
      percent: 9,
    });
    expect(powerOfPmset(said('AC Power', inside('100%; charged; 0:00 remaining present: true')))).toEqual({
      onBattery: false,
      percent: 100,
    });
    expect(powerOfPmset(said('AC Power', inside('80%; AC attached; not charging present: true')))).toEqual({
      onBattery: false,
      percent: 80,
    });
    expect(powerOfPmset(said('UPS Power', ' -Back-UPS ES 700G FW:871.O4 .I USB FW:O4 (id=10)\t55%; discharging; 0:17 remaining'))).toEqual({
      onBattery: true,
      percent: 55,
    });
    expect(powerOfPmset(said('AC Power'))).toEqual({ onBattery: false });
    expect(powerOfPmset('')).toEqual({ onBattery: false });
  });

  it('is what Windows says of it', () => {
    expect(powerOfPowerStatus('Offline 0.62 High\r\n')).toEqual({ onBattery: true, percent: 62 });
    expect(powerOfPowerStatus('Offline 0.09 Low, Critical\r\n')).toEqual({ onBattery: true, percent: 9 });
    expect(powerOfPowerStatus('Online 0.35 Charging\r\n')).toEqual({ onBattery: false, percent: 35 });
    expect(powerOfPowerStatus('Offline 0.5 0\r\n')).toEqual({ onBattery: true, percent: 50 });
    expect(powerOfPowerStatus('Online 1 NoSystemBattery\r\n')).toEqual({ onBattery: false });
    expect(powerOfPowerStatus('Unknown 2.55 Unknown\r\n')).toEqual({ onBattery: false });
    expect(powerOfPowerStatus('')).toEqual({ onBattery: false });
  });

  it('is as the shell says, where there is one', () => {
    const machine = thisMachine();
    machine.tellPower({ onBattery: true });
    expect(machine.power().onBattery).toBe(true);
    machine.tellPower({ onBattery: false });
    expect(machine.power().onBattery).toBe(false);
  });
});

it('a network is metered where NetworkManager says or guesses so', () => {
  expect(['u 0', 'u 1\n', 'u 2', 'u 3\n', 'u 4', '', 'u 11'].map(saysMetered)).toEqual([false, true, false, true, false, false, false]);
});
