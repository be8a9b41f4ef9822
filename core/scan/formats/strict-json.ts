/**
 * JSON as headers need it: what `JSON.parse` accepts, less what hides lies. A key twice in one place is an error
 * (`JSON.parse` would keep the last one), nesting is bounded, and keys such as `__proto__` are only names.
 */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const space = /[ \t\n\r]*/y;
const plain = /[^"\\\u0000-\u001f]*/y;

class Parser {
  private at = 0;
  private readonly text: string;
  private readonly maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.maxDepth = maxDepth;
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
    if (depth > this.maxDepth) throw new SyntaxError(`JSON nests deeper than ${this.maxDepth} levels`);
    if (this.take('{')) return this.members(depth);
    if (this.take('[')) return this.items(depth);
    if (this.text[this.at] === '"') return this.string();
    return this.word();
  }

  private members(depth: number): Map<string, Json> {
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

/**
 * @param maxDepth levels of lists and maps inside one another
 * @throws SyntaxError with one line that says where
 */
export function parseStrictJson(text: string, maxDepth: number): Json {
  return new Parser(text, maxDepth).all();
}
