/**
 * Digests of whole files, taken while somebody else reads or writes them from their start: what that touched last is still in the
 * system's cache then, so that a file which the cache doesn't hold is read from its disk once less.
 */
import type { FileRange } from './binding.ts';
import { RangesDigest } from './decode.ts';
import { pieceBytes } from './pieces.ts';
import type { CodecPool } from './pool.ts';

interface FileDigest {
  digest: RangesDigest;
  /** As far as it was asked for. */
  end: number;
}

export class FileDigests {
  readonly #pool: CodecPool;
  readonly #cancel: Int32Array;
  readonly #onBytes: ((bytes: number) => void) | undefined;
  readonly #files = new Map<string, FileDigest>();
  #turn: Promise<void> = Promise.resolve();

  /** @param onBytes called with bytes as they are read */
  constructor(pool: CodecPool, cancel: Int32Array, onBytes?: (bytes: number) => void) {
    this.#pool = pool;
    this.#cancel = cancel;
    this.#onBytes = onBytes;
  }

  /** A file whose digest will be wanted, of `length` bytes. */
  expect(path: string, length: number): void {
    this.#files.set(path, { digest: new RangesDigest(this.#pool, [{ path, offset: 0, length }], this.#cancel), end: 0 });
  }

  /** Everything up to the end of this range was read, or is written: the digest follows, where the file is expected. Does not wait for it. */
  follow({ path, offset, length }: FileRange): void {
    const file = this.#files.get(path);
    const end = offset + length;
    if (!file || end < file.end + pieceBytes) return;
    file.end = end;
    this.#turn = this.#turn.then(() => file.digest.upTo(end, this.#onBytes));
    this.#turn.catch(() => undefined); // reported by `value`
  }

  /** Resolves once nothing is being read any more. */
  async settled(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  /** Reads what is left of an expected file. @returns 64 hex digits */
  async value(path: string): Promise<string> {
    await this.#turn;
    return this.#files.get(path)!.digest.value(this.#onBytes);
  }
}
