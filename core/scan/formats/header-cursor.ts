/** Reads headers front to back through a window, so that neither their length nor what lies in them decides over memory. */
import type { ReadableFile } from '../file-layout.ts';
import { contradiction } from './refusals.ts';

const windowBytes = 64 * 1024;

/** What was read last; cursors over nested ranges of one file share it. */
class Window {
  readonly file: ReadableFile;
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;

  constructor(file: ReadableFile) {
    this.file = file;
  }

  async view(start: number, length: number): Promise<DataView> {
    if (start < this.start || start + length > this.start + this.bytes.length) {
      this.bytes = await this.file.read(start, Math.min(Math.max(length, windowBytes), this.file.size - start));
      this.start = start;
    }
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + start - this.start, length);
  }
}

export class HeaderCursor {
  /** Of the next byte, in the file. */
  at: number;
  private readonly end: number;
  private readonly window: Window;

  /** @param end where reading must stop; the end of the file where absent */
  constructor(source: ReadableFile | Window, start = 0, end?: number) {
    this.window = source instanceof Window ? source : new Window(source);
    this.at = start;
    this.end = end ?? this.window.file.size;
  }

  get file(): ReadableFile {
    return this.window.file;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** A cursor over a range of the same file. */
  over(start: number, length: number): HeaderCursor {
    return new HeaderCursor(this.window, start, start + length);
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
    return this.window.view(this.skip(length), length);
  }

  async u8(): Promise<number> {
    return (await this.take(1)).getUint8(0);
  }

  async text(length: number): Promise<string> {
    const view = await this.take(length);
    return Buffer.from(view.buffer, view.byteOffset, length).toString('utf8');
  }
}
