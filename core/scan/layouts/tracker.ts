/** Tracker files: one line that names the last finished save, written after it. */
import { z } from 'zod';
import type { TreeFile } from '../folder-tree.ts';
import { readText, type FileFacts } from './file-facts.ts';
import { newestMtime, type Claim } from './recogniser.ts';

const maxTrackerBytes = 4096;

/** What a tracker says; undefined where it is not there or can't be read. */
export async function readTracker(file: TreeFile | undefined, facts: FileFacts): Promise<string | undefined> {
  if (!file || file.size > maxTrackerBytes) return undefined;
  const text = await facts.fact(file, 'tracker', z.string(), async (entry) => (await readText(entry)).trim());
  return text === '' ? undefined : text;
}

/** A tracker is written after the files it is about, but a copy of them may be a little older or younger than its copy. */
const copySlackNs = 10_000_000_000n;

/**
 * Whether a save is finished by its tracker. It vouches for what was there when it was written: a step that a resumed training
 * saves again is younger, and held to what its files show.
 *
 * @param name of the tracker file, for the message
 * @param lastStep what it names; undefined where it is missing, `Infinity` where it says nothing about steps
 */
export function heldToTracker(claim: Claim, name: string, tracker: TreeFile | undefined, lastStep: number | undefined): Claim {
  if (tracker === undefined || lastStep === undefined) {
    return {
      ...claim,
      unfinished: `${name} beside it is missing, which is written after a save: it did not finish; remove it or save again`,
    };
  }
  if (claim.step <= lastStep) return newestMtime(claim.entry) <= tracker.mtimeNs + copySlackNs ? { ...claim, marked: true } : claim;
  const unfinished = `${name} still names step ${lastStep}, so this later save did not finish; remove it or save again`;
  return { ...claim, unfinished };
}
