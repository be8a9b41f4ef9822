/**
 * Which process a job belongs to. Several services may share one catalogue (the desktop and a command line beside it),
 * so a job found running is interrupted only where the process that ran it is gone.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

export const ownerSchema = z.object({ host: z.string(), pid: z.number().int(), started: z.string() });
export type Owner = z.infer<typeof ownerSchema>;

/** What is kept beside a job: its parameters, its owner, and when the owner last wrote it (a running job is written every few seconds). */
export const keptParams = z.object({
  owner: ownerSchema,
  params: z.unknown(),
  keptAtMs: z.number(),
  /** A pause that somebody asked for, which outlives the process. */
  hold: z.object({ untilMs: z.number().optional() }).optional(),
  /** How often it was interrupted before. */
  interruptions: z.number().default(0),
  /** When the first attempt began, of a job that was interrupted or had to wait for room. */
  since: z.string().optional(),
  /** Left by a service that closed, to be gone on with by the next one. */
  goOn: z.boolean().default(false),
});
export type KeptParams = z.infer<typeof keptParams>;

/** Of a process of another machine only its silence tells. */
const silentMs = 10 * 60_000;

/** Start time of a process in the system's own units, where /proc tells it; so a reused pid is not mistaken. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** This process. */
export function thisOwner(): Owner {
  return { host: hostname(), pid: process.pid, started: startOf(process.pid) };
}

/** Whether the process that has a job is there still; of another machine, whether it was heard of lately. */
export function lives({ owner: { host, pid, started }, keptAtMs }: Pick<KeptParams, 'owner' | 'keptAtMs'>, nowMs: number): boolean {
  if (host !== hostname()) return nowMs - keptAtMs < silentMs;
  return exists(pid) && startOf(pid) === started;
}
