/** The machine that a pickle is a program for: a stack, marks and a memo as Python's, of records instead of objects. */
import type { ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { isKind, type PickleCall, type PickleGlobal, type PickleRecord, type PickleValue } from './pickle-values.ts';
import { contradiction, notUnderstood } from './refusals.ts';

/** The bytes end inside the pickle. Whoever gave only the beginning of a file may come back with more. */
export class PickleCutShort extends Error {}

/** State of one interpretation. Opcodes (pickle-opcodes.ts) work on it; every method keeps its own limit. */
export class PickleMachine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  result: PickleValue | undefined;
  private readonly file: Pick<ReadableFile, 'path'>;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly globals = new Map<string, PickleGlobal>();
  private records = 0;

  constructor(file: Pick<ReadableFile, 'path'>, bytes: Uint8Array, at: number) {
    this.file = file;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  damaged(what: string): Error {
    return contradiction(this.file, `has a pickle that ${what} at byte ${this.at}`);
  }

  beyond(what: string): Error {
    return notUnderstood(this.file, `has a pickle with ${what}`);
  }

  /** Moves past `length` bytes and gives where they start. */
  skip(length: number | bigint): number {
    if (length > this.bytes.length - this.at) throw new PickleCutShort(`the pickle ends ${length} bytes too early`);
    const start = this.at;
    this.at += Number(length);
    return start;
  }

  /** The text up to the next line end, which is passed. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0 && this.bytes.length - this.at <= limits.pickleLineBytes) throw new PickleCutShort('the pickle ends inside a line');
    if (end < 0 || end - this.at > limits.pickleLineBytes) throw this.beyond(`a line of more than ${limits.pickleLineBytes} bytes`);
    const start = this.skip(end + 1 - this.at);
    return this.text(start, end - start);
  }

  text(start: number, length: number, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString(encoding);
  }

  push(value: PickleValue): void {
    if (typeof value === 'string') this.countRecord();
    this.stack.push(value);
  }

  pushRecord(record: PickleRecord): void {
    this.countRecord();
    this.stack.push(record);
  }

  private countRecord(): void {
    if (++this.records > limits.pickleRecords) throw this.beyond(`more than ${limits.pickleRecords} texts, lists, calls and the like`);
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.damaged('takes from an empty stack');
    return this.stack.pop() as PickleValue;
  }

  top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.damaged('takes from an empty stack');
    return this.stack.at(-1) as PickleValue;
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Takes everything above the newest mark, and the mark. */
  popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.damaged('looks for a mark that is not there');
    return this.stack.splice(mark);
  }

  /** POP takes the newest mark where nothing lies above it. */
  popValueOrMark(): void {
    if (this.stack.length > 0 && this.stack.length === this.marks.at(-1)) this.marks.pop();
    else this.pop();
  }

  remember(index: number): void {
    if (this.memo.size >= limits.pickleMemo) throw this.beyond(`a memo of more than ${limits.pickleMemo}`);
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged(`recalls ${index}, which it never kept,`);
    this.stack.push(value);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.damaged('names a global by something else than text');
    const key = `${module}\n${name}`;
    const known = this.globals.get(key) ?? { kind: 'global', module, name };
    this.globals.set(key, known);
    this.pushRecord(known);
  }

  globalNames(): string[] {
    return [...this.globals.values()].map(({ module, name }) => `${module}.${name}`);
  }

  call(callee: PickleValue, args: PickleValue[]): void {
    this.pushRecord({ kind: 'call', callee, args, items: [], pairs: [] });
  }

  append(items: PickleValue[]): void {
    const target = this.top();
    if (!isKind(target, 'list') && !isKind(target, 'set') && !isKind(target, 'call')) throw this.damaged('appends to what is no list');
    for (const item of items) target.items.push(item);
  }

  setItems(pairs: PickleValue[]): void {
    const target = this.top();
    if (!isKind(target, 'dictionary') && !isKind(target, 'call')) throw this.damaged('sets items of what is no dictionary');
    if (pairs.length % 2 !== 0) throw this.damaged('sets a key without a value');
    for (const value of pairs) target.pairs.push(value);
  }

  build(state: PickleValue): void {
    const target = this.top();
    if (isKind(target, 'call')) addState(target, state);
  }
}

/** Most things are built once; of a second state both are kept, so that no tensor gets lost. */
function addState(target: PickleCall, state: PickleValue): void {
  target.state = target.state === undefined ? state : { kind: 'tuple', items: [target.state, state] };
}
