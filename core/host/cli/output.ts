/**
 * Where a command's words go. For people: tables and lines on standard output, the moving progress line on standard
 * error where that is a terminal. With --json: one record a line on standard output, the last of type summary. Errors are one
 * line on standard error either way.
 */
import type { Failure } from '../../contract/errors.ts';
import type { Finding, Job } from '../../contract/model.ts';
import { duration, printable, size, table, type Column } from './printable.ts';

export interface OutputStreams {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

const clearLine = '\r\x1b[K';
const jsonProgressMs = 1000;

export class Output {
  readonly json: boolean;
  readonly #streams: OutputStreams;
  #progressShown = false;
  #recordedAtMs = -Infinity;
  #summarised = false;

  constructor(json: boolean, streams: OutputStreams = process) {
    this.json = json;
    this.#streams = streams;
    // A reader that went away (`cairn archive | head`) is no failure of ours, and no reason to leave work half done.
    for (const stream of [streams.stdout, streams.stderr]) stream.on('error', () => undefined);
  }

  /** For people only. */
  line(text: string): void {
    if (!this.json) this.#write(`${printable(text)}\n`);
  }

  /** For people only; nothing where there are no rows. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    if (!this.json && rows.length > 0) this.#write(table(columns, rows));
  }

  /** With --json only. */
  record(type: string, members: object): void {
    if (this.json) this.#write(`${JSON.stringify({ type, ...members })}\n`);
  }

  /** The last record of a command. */
  summary(members: object): void {
    this.record('summary', members);
    this.#summarised = true;
  }

  /** Ends a command that did not come to its own summary: scripts find the last record all the same. */
  end(errors: readonly Failure[]): void {
    if (!this.#summarised) this.summary({ errors });
  }

  error(message: string): void {
    this.endProgress();
    this.#streams.stderr.write(`cairn: ${printable(message)}\n`);
  }

  finding(finding: Finding): void {
    this.record('finding', finding);
    this.line(`${finding.severity}: ${finding.message}`);
  }

  progress({ progress, kind }: Job): void {
    if (this.json) return this.#recordProgress(progress);
    if (!this.#streams.stderr.isTTY) return;
    const { phase, bytesDone, bytesTotal, bytesPerSecond, itemsDone, itemsTotal, etaMs } = progress;
    const parts = [
      printable(phase || kind),
      ...(bytesTotal > 0 ? [`${size(bytesDone)} of ${size(bytesTotal)} (${Math.floor((bytesDone / bytesTotal) * 100)} %)`] : []),
      ...(itemsTotal > 1 ? [`${itemsDone} of ${itemsTotal}`] : []),
      ...(bytesPerSecond > 0 ? [`${size(Math.round(bytesPerSecond))}/s`] : []),
      ...(etaMs === undefined ? [] : [`${duration(etaMs)} left`]),
    ];
    const room = (this.#streams.stderr.columns || 80) - 1;
    this.#streams.stderr.write(clearLine + parts.join('  ').slice(0, room));
    this.#progressShown = true;
  }

  /** Takes the progress line away, so that what follows starts at the left. */
  endProgress(): void {
    if (this.#progressShown) this.#streams.stderr.write(clearLine);
    this.#progressShown = false;
  }

  #recordProgress(progress: Job['progress']): void {
    const nowMs = performance.now();
    if (nowMs - this.#recordedAtMs < jsonProgressMs) return;
    this.#recordedAtMs = nowMs;
    this.record('progress', progress);
  }

  #write(text: string): void {
    this.endProgress();
    this.#streams.stdout.write(text);
  }
}
