import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, localTime, printable, ratio, right, size, table } from '../../core/host/cli/printable.ts';

/** What a terminal would act upon, spelled out a second time. */
const acted = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

describe('names on a terminal', () => {
  it.each([
    ['plain name-1.safetensors', 'plain name-1.safetensors'],
    ['Größe 模型 🪨', 'Größe 模型 🪨'],
    ['\u001b[2J', '\\u{1b}[2J'],
    ['two\nlines\r', 'two\\u{a}lines\\u{d}'],
    ['\u009b31m', '\\u{9b}31m'],
    ['\u202egnp.exe', '\\u{202e}gnp.exe'],
    ['half \ud83d', 'half \\u{d83d}'],
  ])('%j is written %s', (name, written) => expect(printable(name)).toBe(written));

  it('never hold what it would act upon', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => !acted.test(printable(text))),
      { numRuns: 3000 },
    );
  });

  it('keep a table one line a row', () => {
    const cells = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { maxLength: 8 });
    fc.assert(
      fc.property(cells, (rows) => {
        const lines = table(['name', right('size')], rows).split('\n');
        return lines.length === rows.length + 2 && lines.every((line) => !acted.test(line));
      }),
    );
  });

  it('stand in columns', () => {
    const shown = table(
      ['run', right('step'), 'as'],
      [
        ['a', '5', 'keyframe'],
        ['long name', '12000', 'delta'],
      ],
    );
    expect(shown).toBe('run         step  as\na              5  keyframe\nlong name  12000  delta\n');
  });
});

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [1024 ** 2, '1.0 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [120 * 1024 ** 4, '120.0 TiB'],
  ])('%d bytes are %s', (bytes, shown) => expect(size(bytes)).toBe(shown));

  it.each([
    [400, '0 s'],
    [45_000, '45 s'],
    [59_600, '1 min 0 s'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
  ])('%d ms are %s', (milliseconds, shown) => expect(duration(milliseconds)).toBe(shown));

  it('show a ratio only where something was stored', () => {
    expect([ratio(3, 2), ratio(5, 0)]).toEqual(['1.50x', '']);
  });

  it('show times of the place where they are read', () => {
    const now = new Date(2026, 0, 2, 3, 4, 5);
    expect(localTime(now.toISOString())).toBe('2026-01-02 03:04');
  });
});
