/** What the machine says of its power and its network. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPower, saysMetered, thisMachine } from '../../core/jobs/machine.ts';

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
