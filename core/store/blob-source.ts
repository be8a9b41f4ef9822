/** What the rest of Cairn needs to know of stored blobs. */
import type { ElementId } from '../codec/elements.ts';

export type Digest = string; // 64 hex digits

export interface BlobNeed {
  role: number;
  digest: Digest;
}

/** One entry of a pack's table (FORMAT.md section 3), and where the pack is. */
export interface BlobEntry {
  digest: Digest;
  rawLength: number;
  offset: number;
  storedLength: number;
  element: ElementId;
  blockLog2: number;
  coding: 'tensor' | 'bytes';
  needs: BlobNeed[];
  lengths: Uint32Array;
  checksums: Uint32Array;
}
