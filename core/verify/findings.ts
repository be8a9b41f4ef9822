/** Every finding that verify and doctor can make: how bad it is, and what to do about it. */
import type { Finding } from '../contract/model.ts';

export const findingKinds = {
  'manifest-unreadable': { severity: 'error', todo: 'restore the file from a copy, or remove it and archive the checkpoint again' },
  'pack-unreadable': { severity: 'error', todo: 'run cairn repair; where that can not mend it, restore the file from a copy' },
  'block-damaged': { severity: 'error', todo: 'run cairn repair; where that can not mend it, restore the pack from a copy' },
  'content-missing': {
    severity: 'error',
    todo: 'restore the missing pack from a copy, or remove the snapshot and archive the checkpoint again',
  },
  'content-differs': { severity: 'error', todo: 'keep the originals, archive the checkpoint again, and report it' },
  'base-unfit': { severity: 'error', todo: 'archive the checkpoint again, and report it' },
  'lengths-differ': { severity: 'error', todo: 'archive the checkpoint again, and report it' },
  'snapshot-affected': { severity: 'error', todo: 'it can not be restored whole until the damage is repaired' },
  'temporary-left': { severity: 'warning', todo: 'nothing: the next archive removes it' },
  'lock-stale': { severity: 'warning', todo: 'nothing: the next archive replaces it' },
  'pack-orphaned': { severity: 'warning', todo: 'run cairn prune to free its space' },
  'prune-unfinished': { severity: 'warning', todo: 'run cairn prune to free its space' },
  'pin-orphaned': { severity: 'warning', todo: 'remove the file' },
  'file-foreign': { severity: 'warning', todo: 'move it out of the store' },
} as const satisfies Record<string, { severity: Finding['severity']; todo: string }>;

/** What a finding concerns, as far as it is known. */
export type FindingPlace = Pick<Finding, 'snapshot' | 'path' | 'file' | 'tensor' | 'pack'>;

export type FindingCode = keyof typeof findingKinds;

/** @param what happened to what, in one line without what to do: that is the kind's. */
export function findingOf(code: FindingCode, what: string, where: FindingPlace = {}): Finding {
  const { severity, todo } = findingKinds[code];
  return { code, severity, message: `${what}; ${todo}`, ...where };
}
