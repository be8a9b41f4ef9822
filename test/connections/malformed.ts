/** Messages that no service takes, and of each carrier what only it can carry. */
import fc from 'fast-check';
import { methods, type MethodName } from '../../core/contract/methods.ts';

/** Messages of every wrong kind: values of no shape at all, and nearly right ones with one thing broken. */
export function malformed(count: number): unknown[] {
  const wrong = fc.oneof(fc.jsonValue(), fc.integer(), fc.string(), fc.array(fc.jsonValue(), { maxLength: 3 }));
  const id = fc.nat();
  const notAnId = fc.oneof(fc.integer({ max: -1 }), fc.constantFrom(0.5, '1', null, true, {}), fc.string());
  const method = fc.constantFrom(...(Object.keys(methods) as MethodName[]));
  const notAMethod = fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'toString', 'runs.list ', '', 'RUNS.LIST'),
    fc.integer(),
    fc.constant(null),
  );
  const broken = fc.oneof(
    wrong.filter((value) => !looksRight(value)),
    fc.record({ verb: fc.constant('call'), id: notAnId, method, params: fc.constant({}) }),
    fc.record({ verb: fc.constant('call'), id, method: notAMethod, params: fc.constant({}) }),
    fc.record({
      verb: fc.constant('call'),
      id,
      method: fc.constantFrom('runs.get', 'archive.start', 'jobs.cancel'),
      params: fc.oneof(fc.constant(null), fc.constant([]), fc.constant({ paths: 'no' })),
    }),
    fc.record({ verb: fc.constant('cancel'), id: notAnId }),
    fc.record({ verb: fc.constantFrom('subscribe', 'unsubscribe'), event: fc.constantFrom('job', '__proto__', 7, null) }),
    fc.record({ verb: fc.constantFrom('answer', 'event', 'CALL', '', 3), id }),
  );
  return fc.sample(broken, { numRuns: count, seed: 20261121 });
}

function looksRight(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'verb' in value;
}

/** What a port clones and a text can't hold. */
export function clonedNonsense(): unknown[] {
  const circle: Record<string, unknown> = { verb: 'call', id: 1, method: 'runs.list' };
  circle['params'] = circle;
  const values = [
    new Map([['verb', 'call']]),
    new Set([1]),
    new Date(),
    /x/,
    10n,
    new ArrayBuffer(64),
    new Uint8Array(9),
    new Error('x'),
    undefined,
    NaN,
  ];
  return [
    ...values,
    circle,
    ...values.map((params) => ({ verb: 'call', id: 1, method: 'archive.start', params })),
    ...values.map((id) => ({ verb: 'cancel', id })),
  ];
}

/** Frames of a socket that are no text of JSON. */
export function brokenFrames(): (string | Buffer)[] {
  const texts = [
    '',
    '{',
    '[[[[',
    'null',
    '"text"',
    '{"verb":"call"',
    '\u0000',
    '\ud800',
    'NaN',
    '{"verb":"call","id":1,"id":2}',
    '['.repeat(100_000),
    '{"a":'.repeat(50_000),
  ];
  return [
    ...texts,
    Buffer.alloc(0),
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from('{"verb":"call","id":1,"method":"runs.list","params":{}}'),
  ];
}
