/** Values of options as commander takes them: checked while they are read, so that a wrong one ends with usage (2). */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}`);
    return value;
  };
}

export function percentage(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100)) throw new InvalidArgumentError('it must be a number from 0 to 100');
  return value;
}
