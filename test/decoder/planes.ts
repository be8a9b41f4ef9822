/** planes (4), xor-planes (5), lmc (6) and lmc-xor (7), from core/native/src/codecs/planes.md and lmc.md. */
import { readSymbols } from './huffman.ts';
import { widths } from './pack.ts';
import { expect, Reading } from './reading.ts';

/** Which modes a plane may have, by where it stands: each kind of plane, with what its flags are where it is sparse. */
type Place = 'plane' | 'part' | 'flags' | 'innermost';

const partSymbols = 65_536;

function readParts(reading: Reading, m: number): Uint8Array {
  const symbols = new Uint8Array(m);
  for (let start = 0; start < m; start += partSymbols) symbols.set(readPlane(reading, Math.min(partSymbols, m - start), 'part'), start);
  return symbols;
}

function readSparse(reading: Reading, m: number, place: Place): Uint8Array {
  const usual = reading.u8();
  const flags = readPlane(reading, Math.ceil(m / 8), place === 'flags' ? 'innermost' : 'flags');
  const marked: number[] = [];
  flags.forEach((flag, byte) => {
    for (let bit = 0; bit < 8; bit++) if ((flag >> bit) & 1) marked.push(byte * 8 + bit);
  });
  expect(marked.length > 0 && marked.at(-1)! < m, 'flags of a sparse plane');
  const others = readPlane(reading, marked.length, 'innermost');
  const symbols = new Uint8Array(m).fill(usual);
  marked.forEach((position, index) => (symbols[position] = others[index]!));
  return symbols;
}

/** `part` is what may be sparse, but not in parts. */
export function readPlane(reading: Reading, m: number, place: Place): Uint8Array {
  const mode = reading.u8();
  if (mode === 0) return reading.bytes(m);
  if (mode === 1) return new Uint8Array(m).fill(reading.u8());
  if (mode === 2) return readSymbols(reading, m);
  if (mode === 4 && place === 'plane') return readParts(reading, m);
  expect(mode === 3 && place !== 'innermost', `plane mode ${mode} in ${place}`);
  return readSparse(reading, m, place);
}

const littleEndian = (word: bigint, width: number): number[] =>
  Array.from({ length: width }, (_, byte) => Number((word >> BigInt(8 * byte)) & 0xffn));

export function decodePlanes(stored: Uint8Array, length: number, element: number, base?: Uint8Array): Uint8Array {
  const width = widths[element]!;
  const n = length / width;
  const reading = new Reading(stored);
  const rotated = reading.u8();
  expect(rotated <= 1, 'rotated');
  const planes = Array.from({ length: width }, () => readPlane(reading, n, 'plane'));
  expect(reading.left === 0, 'bytes after the last plane');
  const raw = new Uint8Array(length);
  for (let i = 0; i < n; i++) {
    let word = 0n;
    planes.forEach((plane, p) => (word |= BigInt(plane[i]!) << BigInt(8 * p)));
    if (rotated) word = (word >> 1n) | ((word & 1n) << BigInt(8 * width - 1));
    littleEndian(word, width).forEach((byte, p) => (raw[i * width + p] = byte ^ (base?.[i * width + p] ?? 0)));
  }
  return raw;
}

const subBlockBytes = 262_144;

function readRuns(reading: Reading, m: number): Uint8Array {
  const s = reading.varint();
  expect(s > 0 && s <= m + Math.ceil(m / 2), 'number of run symbols');
  const coded = readSymbols(reading, s);
  const symbols: number[] = [];
  for (let at = 0; at < s; at++) {
    if (coded[at] !== 0) symbols.push(coded[at]!);
    else {
      expect(at + 1 < s, 'a run without its count');
      for (let zeros = 1 + coded[++at]!; zeros > 0; zeros--) symbols.push(0);
    }
  }
  expect(symbols.length === m, 'runs give another number of symbols');
  return Uint8Array.from(symbols);
}

function readGroup(reading: Reading, m: number): Uint8Array {
  const mode = reading.u8();
  if (mode === 0) return reading.bytes(m);
  if (mode === 1) return new Uint8Array(m).fill(reading.u8());
  if (mode === 2) return readSymbols(reading, m);
  expect(mode === 3, `group mode ${mode}`);
  return readRuns(reading, m);
}

export function decodeLmc(stored: Uint8Array, length: number, element: number, base?: Uint8Array): Uint8Array {
  const width = widths[element]!;
  const raw = new Uint8Array(length);
  const reading = new Reading(stored);
  for (let start = 0; start < length; start += subBlockBytes) {
    const m = Math.min(subBlockBytes, length - start) / width;
    for (let g = 0; g < width; g++) {
      const group = readGroup(reading, m);
      group.forEach((byte, i) => (raw[start + i * width + g] = byte ^ (base?.[start + i * width + g] ?? 0)));
    }
  }
  expect(reading.left === 0, 'bytes after the last group');
  return raw;
}
