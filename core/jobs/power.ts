/** What the machine runs on, and how full its batteries are: from files on Linux, from the words of the system's own programs elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { wordsOf } from './asked.ts';

const powerSupplies = '/sys/class/power_supply';
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

const meanOf = (charges: readonly number[]): Pick<Power, 'percent'> =>
  charges.length === 0 ? {} : { percent: charges.reduce((sum, charge) => sum + charge, 0) / charges.length };

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
  return { onBattery: !isConnected && batteries.some(discharges), ...meanOf(charges.map(Number)) };
}

/** "Now drawing from 'Battery Power'", then a line for each battery: "-InternalBattery-0 (id=1)  62%; discharging; 3:21 remaining". */
export function powerOfPmset(words: string): Power {
  const charges = [...words.matchAll(/\t\s*(\d{1,3})%;/g)].map(([, digits]) => Number(digits));
  return { onBattery: /^Now drawing from '(Battery|UPS) Power'/m.test(words), ...meanOf(charges) };
}

/** `SystemInformation.PowerStatus` in words that are the same in every language: "Offline 0.62 Low, Charging". */
const askPowerStatus = [
  'Add-Type -AssemblyName System.Windows.Forms;',
  '$s = [System.Windows.Forms.SystemInformation]::PowerStatus;',
  '"$($s.PowerLineStatus) $($s.BatteryLifePercent) $($s.BatteryChargeStatus)"',
].join(' ');

/** A charge that Windows doesn't know is told as full, or as more than that. */
export function powerOfPowerStatus(words: string): Power {
  const [, line, share, battery] = /^(\w+) ([\d.]+) (.+)/.exec(words.trim()) ?? [];
  const isKnown = battery !== undefined && !/NoSystemBattery|Unknown/.test(battery) && Number(share) <= 1;
  return { onBattery: line === 'Offline', ...meanOf(isKnown ? [Number(share) * 100] : []) };
}

/** Where there are no files to read it from. */
export async function askPower(): Promise<Power> {
  if (process.platform === 'darwin') return powerOfPmset(await wordsOf('/usr/bin/pmset', ['-g', 'batt']));
  if (process.platform !== 'win32') return { onBattery: false };
  return powerOfPowerStatus(await wordsOf('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', askPowerStatus]));
}
