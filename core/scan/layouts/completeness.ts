/**
 * Whether a checkpoint is whole. In order: what can't be read, what its layout says (the marker written last), what
 * its own indices promise, what its headers prove, and last how long nothing has changed.
 */
import type { CheckpointState } from '../../contract/model.ts';
import type { FoundCheckpoint, FoundFile } from '../found.ts';
import { isProvable, isWeightsFile } from './file-kinds.ts';
import { printable } from '../../contract/printable.ts';
import { isTemporaryName } from './names.ts';

export interface Quiet {
  /** Milliseconds since 1970; absent where the time of changes doesn't matter. */
  now?: number | undefined;
  /** How long nothing may have changed. */
  quietMs: number;
  /** True where even a proved checkpoint has to be quiet (when watching a trainer). */
  required: boolean;
}

export interface Evidence {
  files: readonly FoundFile[];
  /** Entries that can't be read. */
  problems: readonly string[];
  /** The layout's reason for an unfinished save. */
  unfinished?: string | undefined;
  marked?: boolean | undefined;
  /** The layout's doubt whether more is about to come, which a short rest settles even where changes don't matter. */
  begun?: boolean | undefined;
  /** What indices of shards miss. */
  missing?: string | undefined;
}

export interface Verdict {
  state: CheckpointState;
  reason?: string;
}

const begunQuietMs = 10_000;

/** The state of a checkpoint, and the reason where it isn't complete. */
export function judge(evidence: Evidence, quiet: Quiet): Verdict {
  const ageMs = quiet.now === undefined ? Infinity : ageOf(evidence.files, quiet.now);
  const recent = ageMs < quiet.quietMs;
  const unreadable = evidence.problems[0] ?? evidence.files.find((file) => file.header?.unreadable)?.header?.note;
  if (unreadable !== undefined) return { state: 'incomplete', reason: unreadable };
  const temporary = evidence.files.find((file) => file.path.split('/').some(isTemporaryName));
  if (temporary && recent) return writing(`${printable(temporary.path)} is a temporary file`, ageMs, quiet);
  const fault = faultOf(evidence, temporary);
  if (fault) return recent && quiet.required ? writing(fault.reason ?? '', ageMs, quiet) : doubted(fault, evidence.files, quiet);
  if (recent && (quiet.required || !(evidence.marked || isProved(evidence.files)))) {
    return writing('nothing in it shows that the save is finished', ageMs, quiet);
  }
  const now = quiet.now ?? Date.now();
  const begunAgeMs = evidence.begun ? ageOf(evidence.files, now) : Infinity;
  if (begunAgeMs < begunQuietMs)
    return writing('it is the only one and holds a model alone', begunAgeMs, { ...quiet, quietMs: begunQuietMs });
  return { state: 'complete' };
}

/** Nobody shall remove what a trainer is writing: of a fault that is young, say so. */
function doubted(fault: Verdict, files: readonly FoundFile[], { now = Date.now(), quietMs }: Quiet): Verdict {
  const ageMs = ageOf(files, now);
  if (ageMs >= quietMs) return fault;
  const seconds = Math.round(ageMs / 1000);
  return { ...fault, reason: `${fault.reason ?? 'it is not whole'} (it changed ${seconds} s ago, so it may still be being written)` };
}

function faultOf(evidence: Evidence, temporary: FoundFile | undefined): Verdict | undefined {
  if (evidence.unfinished !== undefined) return { state: 'incomplete', reason: evidence.unfinished };
  if (evidence.files.length === 0) return { state: 'incomplete', reason: 'it is empty: the save did not finish; remove it or save again' };
  if (evidence.missing !== undefined) return { state: 'incomplete', reason: evidence.missing };
  if (temporary) {
    const reason = `${printable(temporary.path)} has a temporary name: the save did not finish; remove it or save again`;
    return { state: 'incomplete', reason };
  }
  return damageOf(evidence.files);
}

function damageOf(files: readonly FoundFile[]): Verdict | undefined {
  for (const { path, size, header } of files) {
    const name = printable(path);
    if (size === 0 && isProvable(path)) return { state: 'damaged', reason: `${name} is empty; copy it again or save again` };
    if (header?.damaged) return { state: 'damaged', reason: `${name}: ${header.note ?? 'it contradicts itself'}` };
  }
  return undefined;
}

/**
 * Says of each torn checkpoint which of its run to go back to: the newest whole one before it.
 *
 * @param checkpoints of one run, ascending by step; a lone one has nothing to go back to
 */
export function nameLastGood(checkpoints: readonly FoundCheckpoint[]): void {
  if (checkpoints.length < 2) return;
  let good: FoundCheckpoint | undefined;
  for (const checkpoint of checkpoints) {
    if (checkpoint.state === 'complete') good = checkpoint;
    if (checkpoint.state !== 'incomplete' && checkpoint.state !== 'damaged') continue;
    const place = good && printable(baseName(good.path));
    const last = good ? `the last good one before it is step ${good.step} (${place})` : 'none before it is whole';
    checkpoint.reason = `${checkpoint.reason ?? 'it is not whole'}; ${last}`;
  }
}

/** Every file that can show its full length does, and there is a model among them. */
function isProved(files: readonly FoundFile[]): boolean {
  const provable = files.filter((file) => isProvable(file.path));
  return provable.some((file) => isWeightsFile(baseName(file.path))) && provable.every((file) => file.header?.whole);
}

function ageOf(files: readonly FoundFile[], now: number): number {
  return files.reduce((age, file) => Math.min(age, Math.abs(now - Number(file.mtimeNs / 1_000_000n))), Infinity);
}

function writing(what: string, ageMs: number, quiet: Quiet): Verdict {
  const seconds = Math.round(ageMs / 1000);
  const wait = Math.max(1, Math.ceil((quiet.quietMs - ageMs) / 1000));
  return { state: 'being-written', reason: `${what} and it changed ${seconds} s ago; wait ${wait} s and scan again` };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
