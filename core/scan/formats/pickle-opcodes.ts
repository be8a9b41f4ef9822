/** The opcodes of pickle protocols 0 to 5, each as what it does to the machine. Codes are written as pickletools shows them. */
import { limits } from './limits.ts';
import type { PickleMachine } from './pickle-machine.ts';
import { itemsOf, type PickleValue } from './pickle-values.ts';

type Opcode = (machine: PickleMachine) => void;

const u8 = (m: PickleMachine): number => m.view.getUint8(m.skip(1));
const u16 = (m: PickleMachine): number => m.view.getUint16(m.skip(2), true);
const u32 = (m: PickleMachine): number => m.view.getUint32(m.skip(4), true);
const i32 = (m: PickleMachine): number => m.view.getInt32(m.skip(4), true);
const u64 = (m: PickleMachine): bigint => m.view.getBigUint64(m.skip(8), true);

function text(m: PickleMachine, length: number | bigint): void {
  if (length > limits.pickleLineBytes * 16) return bytes(m, length); // no name is that long; keep it out of memory
  m.push(m.text(m.skip(length), Number(length)));
}

/** What Python 2 called str: text or bytes, nobody knows. Short ones may be names. */
function oldText(m: PickleMachine, length: number): void {
  if (length < 0) throw m.damaged('has a string of negative length');
  if (length > limits.pickleLineBytes) return bytes(m, length);
  m.push(m.text(m.skip(length), length, 'latin1'));
}

function bytes(m: PickleMachine, length: number | bigint): void {
  m.pushRecord({ kind: 'bytes', start: m.skip(length), length: Number(length) });
}

function pushInteger(m: PickleMachine, value: bigint): void {
  const small = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
  m.push(small ? Number(value) : value);
}

function long(m: PickleMachine, length: number): void {
  if (length < 0) throw m.damaged('has an integer of negative length');
  if (length > m.bytes.length - m.at) m.skip(length); // throws
  if (length > limits.pickleIntegerBytes) throw m.beyond(`an integer of ${length} bytes`);
  const start = m.skip(length);
  let value = 0n;
  for (let index = length - 1; index >= 0; index--) value = (value << 8n) | BigInt(m.bytes[start + index] as number);
  pushInteger(m, BigInt.asIntN(Math.max(8 * length, 1), value));
}

function decimal(m: PickleMachine): void {
  const line = m.line();
  if (line === '01' || line === '00') return m.push(line === '01'); // protocol 0 and 1 write booleans so
  const digits = line.endsWith('L') ? line.slice(0, -1) : line;
  if (!/^\s*[+-]?[0-9]+\s*$/.test(digits)) throw m.damaged('has an integer without digits');
  if (digits.length > limits.pickleIntegerBytes * 2) throw m.beyond(`an integer of ${digits.length} digits`);
  pushInteger(m, BigInt(digits.trim().replace(/^\+/, '')));
}

/** Protocol 0 writes the repr of a string; only plain names matter, so escapes stay as they are. */
function quotedText(m: PickleMachine): void {
  const line = m.line();
  if (!/^(['"]).*\1$/s.test(line) || line.length < 2) throw m.damaged('has a string without quotes');
  m.push(line.slice(1, -1));
}

function tuple(m: PickleMachine, size: number): void {
  const items: PickleValue[] = [];
  for (let index = 0; index < size; index++) items.push(m.pop());
  m.pushRecord({ kind: 'tuple', items: items.reverse() });
}

function reduce(m: PickleMachine): void {
  const args = m.pop();
  m.call(m.pop(), itemsOf(args) ?? [args]);
}

function setItem(m: PickleMachine): void {
  const value = m.pop();
  m.setItems([m.pop(), value]);
}

function stackGlobal(m: PickleMachine): void {
  const name = m.pop();
  m.global(m.pop(), name);
}

function newWithKeywords(m: PickleMachine): void {
  const keywords = m.pop();
  const args = m.pop();
  m.call(m.pop(), [...(itemsOf(args) ?? [args]), keywords]);
}

function inst(m: PickleMachine): void {
  const module = m.line();
  const name = m.line();
  const args = m.popToMark();
  m.global(module, name);
  m.call(m.pop(), args);
}

function construct(m: PickleMachine): void {
  const [callee, ...args] = m.popToMark();
  if (callee === undefined) throw m.damaged('makes an instance of nothing');
  m.call(callee, args);
}

function protocol(m: PickleMachine): void {
  const version = u8(m);
  if (version > 5) throw m.beyond(`protocol ${version}`);
}

/** Checked, then ignored: a frame only says how far Python may read ahead. */
function framing(m: PickleMachine): void {
  const length = u64(m);
  if (length > BigInt(m.bytes.length - m.at)) m.skip(length); // throws
}

const byCharacter: Record<string, Opcode> = {
  '(': (m) => m.mark(),
  '.': (m) => void (m.result = m.pop()),
  '0': (m) => m.popValueOrMark(),
  '1': (m) => void m.popToMark(),
  '2': (m) => m.push(m.top()),
  F: (m) => m.push(Number(m.line())),
  I: decimal,
  J: (m) => m.push(i32(m)),
  K: (m) => m.push(u8(m)),
  L: decimal,
  M: (m) => m.push(u16(m)),
  N: (m) => m.push(null),
  P: (m) => m.pushRecord({ kind: 'reference', id: m.line() }),
  Q: (m) => m.pushRecord({ kind: 'reference', id: m.pop() }),
  R: reduce,
  S: quotedText,
  T: (m) => oldText(m, i32(m)),
  U: (m) => oldText(m, u8(m)),
  V: (m) => m.push(m.line()),
  X: (m) => text(m, u32(m)),
  a: (m) => m.append([m.pop()]),
  b: (m) => m.build(m.pop()),
  c: (m) => m.global(m.line(), m.line()),
  d: (m) => m.pushRecord({ kind: 'dictionary', pairs: m.popToMark() }),
  e: (m) => m.append(m.popToMark()),
  g: (m) => m.recall(Number(m.line())),
  h: (m) => m.recall(u8(m)),
  i: inst,
  j: (m) => m.recall(u32(m)),
  l: (m) => m.pushRecord({ kind: 'list', items: m.popToMark() }),
  o: construct,
  p: (m) => m.remember(Number(m.line())),
  q: (m) => m.remember(u8(m)),
  r: (m) => m.remember(u32(m)),
  s: setItem,
  t: (m) => m.pushRecord({ kind: 'tuple', items: m.popToMark() }),
  u: (m) => m.setItems(m.popToMark()),
  '}': (m) => m.pushRecord({ kind: 'dictionary', pairs: [] }),
  ']': (m) => m.pushRecord({ kind: 'list', items: [] }),
  ')': (m) => tuple(m, 0),
  G: (m) => m.push(m.view.getFloat64(m.skip(8))),
  B: (m) => bytes(m, u32(m)),
  C: (m) => bytes(m, u8(m)),
};

const byCode: Record<number, Opcode> = {
  0x80: protocol,
  0x81: reduce, // NEWOBJ: a class instead of a function, else the same to us
  0x82: (m) => m.global('copyreg', `extension ${u8(m)}`),
  0x83: (m) => m.global('copyreg', `extension ${u16(m)}`),
  0x84: (m) => m.global('copyreg', `extension ${i32(m)}`),
  0x85: (m) => tuple(m, 1),
  0x86: (m) => tuple(m, 2),
  0x87: (m) => tuple(m, 3),
  0x88: (m) => m.push(true),
  0x89: (m) => m.push(false),
  0x8a: (m) => long(m, u8(m)),
  0x8b: (m) => long(m, i32(m)),
  0x8c: (m) => text(m, u8(m)),
  0x8d: (m) => text(m, u64(m)),
  0x8e: (m) => bytes(m, u64(m)),
  0x8f: (m) => m.pushRecord({ kind: 'set', items: [] }),
  0x90: (m) => m.append(m.popToMark()),
  0x91: (m) => m.pushRecord({ kind: 'set', items: m.popToMark() }),
  0x92: newWithKeywords,
  0x93: stackGlobal,
  0x94: (m) => m.memoize(),
  0x95: framing,
  0x96: (m) => bytes(m, u64(m)),
};

/** What each byte means; undefined: no opcode that a file can hold (NEXT_BUFFER and READONLY_BUFFER need bytes from elsewhere). */
export const opcodes: readonly (Opcode | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => byCharacter[String.fromCharCode(code)] ?? byCode[code],
);
