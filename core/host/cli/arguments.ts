/** Values of options as commander takes them: checked while they are read, so that a wrong one ends with usage (2). */
import { InvalidArgumentError } from 'commander';

/** Takes whole numbers from `least` to `most`. @throws InvalidArgumentError */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}`);
    return value;
  };
}

/** Above 0: nothing of something is not what anybody asks for. */
export function percentage(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 100)) throw new InvalidArgumentError('it must be a number above 0, at most 100');
  return value;
}

/** @throws InvalidArgumentError */
export function notNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) throw new InvalidArgumentError('it must be a number, 0 or more');
  return value;
}

const units: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** "500M", "1.5GiB", "2000000": bytes, units by powers of 1024. */
export function byteCount(text: string): number {
  const parsed = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = parsed ? Math.round(Number(parsed[1]) * units[parsed[2]!.toLowerCase()]!) : NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('it must be a size, as 500M or 2GiB');
  return bytes;
}

/** Two times of day, as in "22:00-08:00". @throws InvalidArgumentError */
export function quietHours(text: string): { from: string; to: string } {
  const clock = '([01]\\d|2[0-3]):[0-5]\\d';
  const found = new RegExp(`^(?<from>${clock})-(?<to>${clock})$`).exec(text)?.groups;
  if (!found) throw new InvalidArgumentError('it must be two times of day such as 22:00-08:00');
  return { from: found['from']!, to: found['to']! };
}
