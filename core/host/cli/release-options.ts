/** The options that say which originals go once their snapshots are sealed, for all commands that release. */
import type { Command } from 'commander';
import { wholeNumber } from './arguments.ts';

export interface ReleaseOptions {
  release?: boolean;
  keepNewest: number;
  placeholder?: boolean;
  trash?: boolean;
}

/** Adds them to a command, whose options then are `ReleaseOptions` too. */
export function addReleaseOptions(command: Command): Command {
  return command
    .option('--release', 'remove originals whose snapshots are sealed and that are still what was archived')
    .option('--keep-newest <number>', 'with --release: leave the newest so many of every run', wholeNumber(0, 1_000_000), 1)
    .option('--placeholder', 'with --release: leave a text file that says how to get each back')
    .option('--trash', 'with --release: move originals to the trash instead of removing them');
}

/** How originals are released; undefined where they stay. */
export function releaseOf({ release, keepNewest, placeholder, trash }: ReleaseOptions): Omit<ReleaseOptions, 'release'> | undefined {
  return release ? { keepNewest, placeholder, trash } : undefined;
}
