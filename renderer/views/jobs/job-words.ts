import type { Job, JobState } from '../../../core/contract/model.ts';
import { formatBytes, formatCount, formatDuration } from '../../ui/figures.ts';
import { text } from '../../ui/text.ts';

export const toneOfJob: Record<JobState, 'plain' | 'good' | 'warning' | 'danger' | 'active'> = {
  queued: 'plain',
  waiting: 'warning',
  running: 'active',
  paused: 'warning',
  done: 'good',
  failed: 'danger',
  cancelled: 'plain',
  interrupted: 'warning',
};

/** What came out of a job in a few words; how long it took where there is nothing more telling. */
export function summarise(job: Job): string {
  const { bytesOriginal, bytesStored } = job.result ?? {};
  if (typeof bytesOriginal === 'number' && typeof bytesStored === 'number' && bytesOriginal > 0)
    return `${formatBytes(bytesOriginal)} → ${formatBytes(bytesStored)}`;
  if (job.kind === 'verify' && job.state === 'done') {
    const findings = resultFindings(job.result ?? {}).length;
    return findings === 0 ? text.store.clean : text.store.found(findings);
  }
  if (job.started && job.ended) return formatDuration(Date.parse(job.ended) - Date.parse(job.started));
  return text.jobs.kind[job.kind];
}

export interface ResultFigure {
  name: string;
  value: string;
}

/** The single figures of a job's result, in words; lists are shown otherwise and what isn't known is left out. */
export function resultFigures(result: Record<string, unknown>): ResultFigure[] {
  return Object.entries(result).flatMap(([key, value]) => {
    const name = text.jobs.resultNames[key];
    const shown = name === undefined ? undefined : showValue(key, value);
    return name === undefined || shown === undefined ? [] : [{ name, value: shown }];
  });
}

function showValue(key: string, value: unknown): string | undefined {
  if (Array.isArray(value)) return formatCount(value.length);
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  if (key === 'seconds') return formatDuration(value * 1000);
  return key.startsWith('bytes') ? formatBytes(value) : formatCount(value);
}

/** One row of a result's list of errors or findings, where it has the parts of one. */
export interface ResultFinding {
  code: string;
  severity: 'error' | 'warning';
  message: string;
}

/** What a job's result says is wrong: its findings and errors, as far as they can be read. */
export function resultFindings(result: Record<string, unknown>): ResultFinding[] {
  return [...listOf(result['findings']), ...listOf(result['errors'])].flatMap((entry) => {
    const { code, severity, message } = entry;
    if (typeof message !== 'string') return [];
    return [
      { code: typeof code === 'string' ? code : '', severity: severity === 'warning' ? ('warning' as const) : ('error' as const), message },
    ];
  });
}

/** Snapshots that an archive made, with what is needed to show and open them. */
export interface ResultSnapshot {
  id: string;
  run: string;
  step: number;
  kind: string;
  bytesOriginal: number;
  bytesStored: number;
}

export function resultSnapshots(result: Record<string, unknown>): ResultSnapshot[] {
  return listOf(result['snapshots']).flatMap((entry) => {
    const { id, run, step, kind, bytesOriginal, bytesStored } = entry;
    const fits =
      typeof id === 'string' &&
      typeof run === 'string' &&
      typeof step === 'number' &&
      typeof bytesOriginal === 'number' &&
      typeof bytesStored === 'number';
    return fits ? [{ id, run, step, kind: typeof kind === 'string' ? kind : '', bytesOriginal, bytesStored }] : [];
  });
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null) : [];
}
