/** moment (11), rows (12) and rows-base (13), from core/native/src/codecs/predicted.md alone. */
import { readPlane } from './planes.ts';
import { expect, Reading } from './reading.ts';

const words = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const magnitude = (view: DataView, index: number): number => view.getUint32(index * 4, true) & 0x7fffffff;

function readSubBits(reading: Reading): number {
  const q = reading.u8();
  expect(q <= 3, `${q} sub bits`);
  return q;
}

/** The four planes behind the prediction, to the end. */
function readPredicted(reading: Reading, n: number, q: number, predicted: (index: number) => number): Uint8Array {
  const planes = [0, 1, 2, 3].map(() => readPlane(reading, n, 'plane'));
  expect(reading.left === 0, 'bytes after the last plane');
  const raw = new Uint8Array(n * 4);
  const target = words(raw);
  for (let i = 0; i < n; i++) {
    const top = (planes[3]![i]! + predicted(i)) & 0xff;
    const word = ((top << 24) | (planes[2]![i]! << 16) | (planes[1]![i]! << 8) | planes[0]![i]!) >>> 0;
    target.setUint32(i * 4, ((word >>> (1 + q)) | (word << (31 - q))) >>> 0, true);
  }
  return raw;
}

function expectFloats(length: number, element: number): void {
  expect(element === 7 && length > 0, `element ${element} is not predicted`);
}

export function decodeMoment(stored: Uint8Array, length: number, element: number, secondMoment: Uint8Array): Uint8Array {
  expectFloats(length, element);
  const reading = new Reading(stored);
  const q = readSubBits(reading);
  const squares = words(secondMoment);
  return readPredicted(reading, length / 4, q, (i) => magnitude(squares, i) >>> (24 - q));
}

export function decodeRows(stored: Uint8Array, length: number, element: number, base?: Uint8Array): Uint8Array {
  expectFloats(length, element);
  const reading = new Reading(stored);
  const n = length / 4;
  const q = readSubBits(reading);
  const [columns, first, mean] = [reading.u32(), reading.u32(), reading.u16()];
  expect(columns >= 1 && columns <= n && first < columns, `${columns} columns from ${first}`);
  const rowLevels = readPlane(reading, Math.ceil((first + n) / columns), 'part');
  const columnLevels = readPlane(reading, columns, 'part');
  const view = base && words(base);
  return readPredicted(reading, n, q, (i) => {
    const ofBase = view ? magnitude(view, i) >>> 22 : 0;
    const level = mean + rowLevels[Math.floor((first + i) / columns)]! + columnLevels[(first + i) % columns]! + ofBase;
    return (level & 0xffff) >> (3 - q);
  });
}
