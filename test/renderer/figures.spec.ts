import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatExactBytes,
  formatRatio,
  formatSaved,
  formatShape,
} from '../../renderer/ui/figures.ts';

const factor: Record<string, number> = { bytes: 1, byte: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4, PiB: 1024 ** 5 };

function readBytes(text: string): number {
  const [number = '', unit = ''] = text.split(' ');
  return Number(number.replaceAll(',', '')) * (factor[unit] ?? NaN);
}

describe('sizes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1,023 bytes'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [1024 ** 2 - 1, '1,023 KiB'],
    [6_100_000, '5.81 MiB'],
    [120 * 1024 ** 3, '120 GiB'],
  ])('%d bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('never say more than there is, and at most one percent less', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        const read = readBytes(formatBytes(bytes));
        expect(read).toBeLessThanOrEqual(bytes);
        expect(read).toBeGreaterThanOrEqual(bytes * 0.99);
      }),
    );
  });

  it('are told to the byte where they are asked exactly', () => expect(formatExactBytes(2_601_918_276)).toBe('2,601,918,276 bytes'));
});

describe('ratio and saving', () => {
  it('compare the original with what is stored, cut towards less', () => {
    expect(formatRatio(299, 100)).toBe('2.99×');
    expect(formatRatio(2_999, 1_000)).toBe('2.99×');
    expect(formatSaved(1000, 333)).toBe('66.7 %');
  });

  it('say so when storing costs more than the original', () => {
    expect(formatRatio(100, 101)).toBe('0.99×');
    expect(formatSaved(100, 110)).toBe('−10.0 %');
  });

  it('are absent where there is nothing to compare', () => {
    expect(formatRatio(0, 10)).toBeUndefined();
    expect(formatSaved(0, 0)).toBeUndefined();
  });

  it('never flatter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 40 }), (original, stored) => {
        expect(Number(formatRatio(original, stored)?.replace(/[×,]/g, ''))).toBeLessThanOrEqual(original / stored);
        const saved = ((original - stored) / original) * 100;
        const rounding = 1e-9 * Math.max(1, Math.abs(saved));
        expect(Number(formatSaved(original, stored)?.replace(' %', '').replace('−', '-'))).toBeLessThanOrEqual(saved + rounding);
      }),
    );
  });
});

describe('times and shapes', () => {
  it('are as long as one wants to read', () => {
    expect(formatDuration(450)).toBe('450 ms');
    expect(formatDuration(61_000)).toBe('1 min 1 s');
    expect(formatDuration(3 * 86_400_000)).toBe('3 d 0 h');
  });

  it('a clock that runs slightly ahead does not date an event into the future', () => {
    const now = Date.parse('2026-11-21T02:00:00Z');
    expect(formatAgo(now + 5_000, now)).toBe('just now');
    expect(formatAgo(now - 5 * 60_000, now)).toBe('5 min ago');
  });

  it('a scalar has a shape too', () => {
    expect(formatShape([])).toBe('scalar');
    expect(formatShape([768, 2304])).toBe('768 × 2304');
  });
});
