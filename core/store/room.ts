/** Room on a disk: nothing is begun that it may not hold, and what is refused says how much is missing. */
import { CairnError } from '../contract/errors.ts';
import { size } from '../contract/printable.ts';
import { parityFileBytes } from './parity.ts';

export interface Room {
  /** The place on the disk that is concerned. */
  path: string;
  /** At the most, staging included: temporary files lie on the same disk. */
  bytesNeeded: number;
  bytesFree(): Promise<number>;
}

/** Refused for want of room. Whoever can wait asks `room` again later. */
export class LacksRoom extends CairnError {
  readonly room: Room;
  /** What needs it. */
  readonly what: string;
  /** The message without what to do about it. */
  readonly reason: string;
  /** It was begun, because there seemed to be room, and the disk ran full. */
  readonly ranFull: boolean;

  constructor(what: string, room: Room, bytesFree: number) {
    const reason = wordsOfLack(what, room, bytesFree);
    super('no_space', `${reason}; free some space and run it again`, { path: room.path });
    this.room = room;
    this.what = what;
    this.reason = reason;
    this.ranFull = bytesFree >= room.bytesNeeded;
  }
}

/** One line: what needs how much, and how much of it is missing. */
export function wordsOfLack(what: string, { path, bytesNeeded }: Room, bytesFree: number): string {
  const needs = `${what} needs up to ${size(bytesNeeded)}`;
  if (bytesFree >= bytesNeeded) return `${path}: the disk ran full, or a quota of it is used up; ${needs}`;
  return `${path}: ${size(bytesNeeded - bytesFree)} are missing on this disk; ${needs}, and ${size(bytesFree)} are free`;
}

/** @throws LacksRoom where the disk does not have it now */
export async function assertRoom(what: string, room: Room): Promise<void> {
  const bytesFree = await room.bytesFree();
  if (bytesFree < room.bytesNeeded) throw new LacksRoom(what, room, bytesFree);
}

/** Tables, manifest and what codecs add to bytes that no code makes smaller: one part in so many, and so many bytes. */
const boundShare = 256;
const boundBytes = 2 ** 20;

/** The most that archiving may take for files of so many bytes. @param parity whether the store keeps it */
export function mostStored(bytesOriginal: number, parity: boolean): number {
  const bytes = bytesOriginal + Math.ceil(bytesOriginal / boundShare) + boundBytes;
  return parity ? bytes + parityFileBytes(bytes) + boundBytes : bytes;
}
