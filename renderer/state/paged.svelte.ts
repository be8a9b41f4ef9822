import { toCairnError, type CairnError } from '../../core/contract/errors.ts';

/** Rows from `offset` on, and how many there are in all. */
export type AskPage<Row> = (offset: number, limit: number, signal: AbortSignal) => Promise<{ total: number; rows: readonly Row[] }>;

const firstRows = 1000;
const pageRows = 20_000;

/** A long list that comes in pages: a short one first, so that something is seen at once. What it lists never changes. */
export class Paged<Row> {
  readonly #ask: AskPage<Row>;
  #asking: AbortController | undefined;
  rows = $state.raw<readonly Row[]>([]);
  total = $state<number>();
  failure = $state.raw<CairnError>();
  readonly complete = $derived(this.total !== undefined && this.rows.length >= this.total);

  constructor(ask: AskPage<Row>) {
    this.#ask = ask;
  }

  /** Reads all of it, unless that is done already. */
  async read(): Promise<void> {
    if (this.complete) return;
    this.stop();
    const { signal } = (this.#asking = new AbortController());
    try {
      this.failure = undefined;
      await this.#readAll(signal);
    } catch (thrown) {
      if (!signal.aborted) this.failure = toCairnError(thrown);
    }
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    let rows: Row[] = [];
    for (;;) {
      const page = await this.#ask(rows.length, rows.length === 0 ? firstRows : pageRows, signal);
      if (signal.aborted) return;
      rows = rows.concat(page.rows);
      this.rows = rows;
      this.total = page.total;
      if (page.rows.length === 0 || rows.length >= page.total) return;
    }
  }

  stop(): void {
    this.#asking?.abort();
  }
}
