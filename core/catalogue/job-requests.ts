/** What processes of a home ask of each other's jobs, as rows: written by who asks, answered by who has the job, removed by who asked. */
import { z } from 'zod';
import type { ReadHandle, WriteHandle } from './handles.ts';

const json = z.string().transform((text): unknown => JSON.parse(text));
const requestRow = z
  .object({ id: z.string(), job_id: z.string(), request: json })
  .transform(({ id, job_id, request }) => ({ id, jobId: job_id, request }));
const answerRow = z.object({ answer: json.nullable() });

/** Plain JSON both; the answer comes later. */
export interface JobRequest {
  id: string;
  jobId: string;
  request: unknown;
}

/** Who asks waits for seconds; what is older than this is nobody's any more. */
const forgottenMs = 60_000;

/** Leaves a request for the process that has the job, and forgets those that nobody waits for any more. */
export function addJobRequest(writer: WriteHandle, { id, jobId, request }: JobRequest, nowMs: number): void {
  writer.run('DELETE FROM job_requests WHERE abs($nowMs - time_ms) > $forgottenMs', { nowMs, forgottenMs });
  writer.run('INSERT INTO job_requests (id, job_id, request, time_ms) VALUES ($id, $jobId, $request, $nowMs)', {
    id,
    jobId,
    request: JSON.stringify(request),
    nowMs,
  });
}

/** Those without an answer, in the order in which they came. */
export function listJobRequests(reader: ReadHandle): JobRequest[] {
  return reader.all('SELECT id, job_id, request FROM job_requests WHERE answer IS NULL ORDER BY rowid', requestRow);
}

/** Says what became of a request, as JSON. */
export function answerJobRequest(writer: WriteHandle, id: string, answer: unknown): void {
  writer.run('UPDATE job_requests SET answer = $answer WHERE id = $id', { id, answer: JSON.stringify(answer) });
}

/** @returns undefined while there is none */
export function jobRequestAnswer(reader: ReadHandle, id: string): unknown {
  return reader.get('SELECT answer FROM job_requests WHERE id = $id', answerRow, { id })?.answer ?? undefined;
}

/** Forgets a request, answered or not. */
export function removeJobRequest(writer: WriteHandle, id: string): void {
  writer.run('DELETE FROM job_requests WHERE id = $id', { id });
}
