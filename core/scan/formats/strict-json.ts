/**
 * JSON as headers need it: what `JSON.parse` accepts, less what hides lies. A key twice in one place is an error
 * (`JSON.parse` would keep the last one), nesting is bounded, and keys such as `__proto__` are only names.
 */
import type { ReadableFile } from '../file-layout.ts';
import { limits } from './limits.ts';
import { contradiction, notUnderstood } from './refusals.ts';

export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const space = /[ \t\n\r]*/y;
const plain = /[^"\\\u0000-\u001f]*/y;

class Parser {
  private at = 0;
  private readonly text: string;
  private containers = 0;
  private values = 0;

  constructor(text: string) {
    this.text = text;
  }

  all(): Json {
    const value = this.value(0);
    this.skip();
    if (this.at !== this.text.length) throw new SyntaxError(`JSON has more after its end, at character ${this.at}`);
    return value;
  }

  private skip(): void {
    space.lastIndex = this.at;
    space.test(this.text);
    this.at = space.lastIndex;
  }

  private take(expected: string): boolean {
    this.skip();
    if (this.text[this.at] !== expected) return false;
    this.at++;
    return true;
  }

  private need(expected: string): void {
    if (!this.take(expected)) throw new SyntaxError(`JSON needs ${expected} at character ${this.at}`);
  }

  private value(depth: number): Json {
    if (depth > limits.jsonDepth) throw new SyntaxError(`JSON nests deeper than ${limits.jsonDepth} levels`);
    if (++this.values > limits.jsonValues) throw new RangeError(`JSON of more than ${limits.jsonValues} values`);
    if (this.take('{')) return this.members(depth);
    if (this.take('[')) return this.items(depth);
    if (this.text[this.at] === '"') return this.string();
    return this.word();
  }

  private countContainer(): void {
    if (++this.containers > limits.jsonContainers) throw new RangeError(`JSON of more than ${limits.jsonContainers} maps and lists`);
  }

  private members(depth: number): Map<string, Json> {
    this.countContainer();
    const members = new Map<string, Json>();
    if (this.take('}')) return members;
    do {
      this.skip();
      const key = this.string();
      if (members.has(key)) throw new SyntaxError(`JSON has the key ${JSON.stringify(key.slice(0, 80))} twice`);
      this.need(':');
      members.set(key, this.value(depth + 1));
    } while (this.take(','));
    this.need('}');
    return members;
  }

  private items(depth: number): Json[] {
    this.countContainer();
    const items: Json[] = [];
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    this.need(']');
    return items;
  }

  private string(): string {
    const start = this.at;
    if (this.text[this.at++] !== '"') throw new SyntaxError(`JSON needs a string at character ${start}`);
    for (;;) {
      plain.lastIndex = this.at;
      plain.test(this.text);
      this.at = plain.lastIndex;
      const end = this.text[this.at];
      if (end === '"') break;
      if (end !== '\\') throw new SyntaxError(`JSON has a string without end at character ${start}`);
      this.at += 2;
    }
    this.at++;
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  private word(): Json {
    number.lastIndex = this.at;
    const digits = number.exec(this.text)?.[0];
    if (digits !== undefined) {
      this.at += digits.length;
      return Number(digits);
    }
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    throw new SyntaxError(`JSON has no value at character ${this.at}`);
  }
}

/** @throws SyntaxError with one line that says where; RangeError where there is more of it than is read */
export function parseStrictJson(text: string): Json {
  return new Parser(text).all();
}

/**
 * The JSON that `bytes` of `file` hold.
 *
 * @param name what they are, for the error
 * @throws CairnError `bad_input` where they hold none, `unsupported` above the limits
 */
export function readStrictJson(file: Pick<ReadableFile, 'path'>, bytes: Uint8Array, name: string): Json {
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (thrown) {
    if (thrown instanceof RangeError) throw notUnderstood(file, `has ${name} with ${thrown.message}`);
    throw contradiction(file, `has ${name} that can't be read: ${thrown instanceof SyntaxError ? thrown.message : 'it is not UTF-8'}`);
  }
}
