/** The options that say what of a run stays in the store, for all commands that let go of the rest. */
import type { Command } from 'commander';
import { hasRule, type Retention } from '../../contract/model.ts';
import { byteCount, notNegative, wholeNumber } from './arguments.ts';

const anyCount = wholeNumber(1, Number.MAX_SAFE_INTEGER);

export function addRetentionOptions(command: Command): Command {
  return command
    .option('--keep-last <count>', 'keep the newest', anyCount)
    .option('--keep-every <steps>', 'keep every step that this divides, for ever', anyCount)
    .option('--keep-best <count>', 'keep those with the lowest loss, where the trainer left one', anyCount)
    .option('--keep-days <days>', 'keep what was saved within these days', notNegative)
    .option('--keep-bytes <size>', 'keep the newest that together take at most this (500M, 2GiB)', byteCount)
    .option(
      '--state-last <count>',
      'of those that stay let only the newest keep their optimizer state',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    );
}

/** The rules that were given; undefined where none was. */
export function retentionOf({ keepLast, keepEvery, keepBest, keepDays, keepBytes, stateLast }: Retention): Retention | undefined {
  const rules = { keepLast, keepEvery, keepBest, keepDays, keepBytes, stateLast };
  return hasRule(rules) ? rules : undefined;
}
