/** Reads a header front to back through a window, so that neither its length nor what lies in it decides over memory. */
import type { ReadableFile } from '../file-layout.ts';
import { contradiction } from './refusals.ts';

const windowBytes = 256 * 1024;

export class HeaderCursor {
  readonly file: ReadableFile;
  /** Of the next byte, in the file. */
  at: number;
  private readonly end: number;
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;

  /** @param end where reading must stop; the end of the file where absent */
  constructor(file: ReadableFile, start = 0, end = file.size) {
    this.file = file;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Passes `length` bytes and gives where they start. @throws CairnError `bad_input` where they go beyond the end */
  skip(length: number | bigint): number {
    if (length > this.left || length < 0)
      throw contradiction(this.file, `claims ${length} bytes at ${this.at}, where only ${this.left} are`);
    const start = this.at;
    this.at += Number(length);
    return start;
  }

  /** The next `length` bytes; meant for lengths that the caller has bounded. */
  async take(length: number): Promise<DataView> {
    const start = this.skip(length);
    if (start < this.windowStart || start + length > this.windowStart + this.window.length) {
      this.windowStart = start;
      this.window = await this.file.read(start, Math.min(Math.max(length, windowBytes), this.file.size - start));
    }
    return new DataView(this.window.buffer, this.window.byteOffset + start - this.windowStart, length);
  }

  async u8(): Promise<number> {
    return (await this.take(1)).getUint8(0);
  }

  async text(length: number): Promise<string> {
    const view = await this.take(length);
    return Buffer.from(view.buffer, view.byteOffset, length).toString('utf8');
  }
}
