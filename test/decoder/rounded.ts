/** rounded (10), from core/native/src/codecs/rounded.md alone. */
import { expect } from './reading.ts';

function toBfloat16(x: number): number {
  if ((x & 0x7fffffff) > 0x7f800000) return (x >>> 16) | 0x40;
  return ((x + 0x7fff + ((x >>> 16) & 1)) / 65_536) & 0xffff;
}

/** To the nearest integer, ties to the even one. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below + (below % 2);
  return rest > 0.5 ? below + 1 : below;
}

function toFloat16(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const m = x & 0x7fffffff;
  if (m > 0x7f800000) return sign | 0x7e00 | ((m >>> 13) & 0x3ff);
  if (m >= 0x477ff000) return sign | 0x7c00;
  if (m >= 0x38800000) return sign | ((m - 0x38000000 + 0xfff + ((m >>> 13) & 1)) >>> 13);
  const number = new Float32Array(Uint32Array.of(m).buffer)[0]!;
  return sign | nearest(number * 2 ** 24);
}

export function decodeRounded(stored: Uint8Array, length: number, element: number, master: Uint8Array): Uint8Array {
  expect(stored.length === 0, 'bytes in a rounded block');
  expect(element === 5 || element === 6, `element ${element} has no roundings`);
  expect(master.length === 2 * length, 'length of the master');
  const words = new DataView(master.buffer, master.byteOffset, master.byteLength);
  const raw = new Uint8Array(length);
  const target = new DataView(raw.buffer);
  for (let at = 0; at < length; at += 2) {
    const word = words.getUint32(at * 2, true);
    target.setUint16(at, element === 6 ? toBfloat16(word) : toFloat16(word), true);
  }
  return raw;
}
