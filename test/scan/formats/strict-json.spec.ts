import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStrictJson, type Json } from '../../../core/scan/formats/strict-json.ts';

/** As `JSON.parse` would give it. */
function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('strict JSON', () => {
  test('is what JSON.parse reads, however it is spaced', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 1, '\t', ' \n'), (value, space) => {
        const text = JSON.stringify(value, undefined, space as number | string | undefined);
        expect(plain(parseStrictJson(` ${text}\r\n`))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('accepts no text that JSON.parse refuses', () => {
    const letters = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '.', 'e', '0', 'true', 'nul', '\\', '\u0001', ' ');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let read: Json;
        try {
          read = parseStrictJson(text);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SyntaxError);
          return;
        }
        expect(plain(read)).toEqual(JSON.parse(text));
      }),
      { numRuns: 3000 },
    );
  });

  test.each(['{"a":1,"a":1}', '{"a":{"b":1,"\\u0062":2}}', '{"__proto__":1,"__proto__":2}'])('a key twice is refused: %s', (text) => {
    expect(() => parseStrictJson(text)).toThrow(/twice/);
  });

  test.each(['', ' ', '01', '1.', '.5', '+1', "'a'", '{a:1}', '[1,]', '{"a":1,}', '"\t"', '"\\x"', '"open', '// c\n1', 'NaN', '\ufeff1'])(
    '%j is refused',
    (text) => {
      expect(() => parseStrictJson(text)).toThrow(SyntaxError);
    },
  );
});
