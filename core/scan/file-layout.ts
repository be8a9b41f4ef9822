/**
 * What a reader finds in one file: which byte ranges hold tensors (parts), and the tensors in them. Headers are
 * read, tensor bytes never. Everything outside the parts is the file's remainder and is archived as bytes, so a
 * reader that understands less costs size, never exactness.
 */
import type { ElementId } from '../codec/elements.ts';

/** A range of the file that holds one tensor's storage. */
export interface Part {
  offset: number;
  length: number;
  element: ElementId;
}

/** A tensor, in the file's own words. */
export interface Tensor {
  name: string;
  /** As safetensors writes it: F32, BF16, I64, BOOL, F8_E4M3, C64 ... or the format's own for quantised blocks (Q4_K). */
  dtype: string;
  shape: number[];
  /** Index into `parts`, or -1 where the tensor has no bytes of its own in this file. */
  part: number;
  /** Of its first byte in the part. */
  offset: number;
  /** In elements; absent where C-contiguous. */
  strides?: number[];
}

export interface FileLayout {
  /** Name of the reader: safetensors, torch-zip, torch-legacy, gguf, npy, npz ... or bytes. */
  format: string;
  /** Ascending, without overlap, inside the file. */
  parts: Part[];
  tensors: Tensor[];
  /** Why the file was not understood, in one line for the user; its bytes are archived all the same. */
  note?: string;
  /** True where the file contradicts itself (cut short, offsets outside): the checkpoint is damaged. */
  damaged?: boolean;
}

/** An open file as readers see it: bounded reads at an offset, and nothing else. */
export interface ReadableFile {
  readonly path: string;
  readonly size: number;
  /** The first bytes (at most 4096), read once for everybody. */
  readonly head: Uint8Array;
  /** Exactly `length` bytes; throws CairnError `bad_input` where the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** One format. `claims` decides by name and first bytes; `read` throws CairnError `bad_input` for lies. */
export interface FormatReader {
  readonly name: string;
  claims(file: ReadableFile): boolean;
  read(file: ReadableFile): Promise<FileLayout>;
}
