/**
 * The two ways to a catalogue: a handle that only reads and one that also writes. Functions say by their parameter
 * which they need; SQLite holds the read handle to it. Rows leave here parsed.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { z } from 'zod';
import { CairnError, type ErrorCode } from '../contract/errors.ts';

type Parameters = Record<string, SQLInputValue>;

/** Primary result codes of SQLite that mean something to a user. */
const resultCodes: Record<number, [ErrorCode, string]> = {
  5: ['locked', 'another process is using the catalogue; try again'],
  6: ['locked', 'another process is using the catalogue; try again'],
  8: ['denied', 'the catalogue is read-only; check the owner and mode'],
  10: ['io', 'the catalogue can not be read or written; check the disk, and that there is room on it'],
  11: ['damaged', 'the catalogue is damaged; remove it, it is rebuilt from the store'],
  13: ['no_space', 'the disk is full; free some space and run it again'],
  14: ['denied', 'the catalogue can not be opened; check the folder and its mode'],
  26: ['damaged', 'the catalogue is no catalogue; remove it, it is rebuilt from the store'],
};

/** A CairnError for what SQLite reports; anything else as it is. */
export function toCatalogueError(thrown: unknown, path: string): unknown {
  const code = (thrown as { errcode?: number } | undefined)?.errcode;
  const known = code === undefined ? undefined : resultCodes[code & 0xff];
  return known ? new CairnError(known[0], `${path}: ${known[1]}`, { path, cause: thrown }) : thrown;
}

export class ReadHandle {
  readonly path: string;
  protected readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws the error of SQLite; callers that open turn it into one line. */
  constructor(path: string, readOnly = true) {
    this.path = path;
    this.database = new DatabaseSync(path, { readOnly, timeout: 10_000, enableForeignKeyConstraints: true });
  }

  /** Every row, parsed. @param bigints reads 64-bit integers as such */
  all<T>(sql: string, row: z.ZodType<T>, parameters: Parameters = {}, bigints = false): T[] {
    return this.guard(() =>
      this.prepare(sql, bigints)
        .all(parameters)
        .map((found) => row.parse(found)),
    );
  }

  /** The first row, parsed. */
  get<T>(sql: string, row: z.ZodType<T>, parameters: Parameters = {}, bigints = false): T | undefined {
    const found = this.guard(() => this.prepare(sql, bigints).get(parameters));
    return found === undefined ? undefined : row.parse(found);
  }

  /** How SQLite would run a query, one line a step. */
  plan(sql: string): string[] {
    return this.guard(() => this.database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()).map((line) => String(line['detail']));
  }

  close(): void {
    this.#statements.clear();
    if (this.database.isOpen) this.database.close();
  }

  protected prepare(sql: string, bigints = false): StatementSync {
    const key = bigints ? `${sql}\n--bigints` : sql;
    const held = this.#statements.get(key);
    if (held) return held;
    const statement = this.database.prepare(sql);
    statement.setReadBigInts(bigints);
    statement.setAllowUnknownNamedParameters(true);
    this.#statements.set(key, statement);
    return statement;
  }

  protected guard<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw toCatalogueError(thrown, this.path);
    }
  }
}

export class WriteHandle extends ReadHandle {
  #nested = false;

  constructor(path: string) {
    super(path, false);
  }

  /** Runs a statement; @returns how many rows it changed. */
  run(sql: string, parameters: Parameters = {}): number {
    return this.guard(() => Number(this.prepare(sql).run(parameters).changes));
  }

  /** Runs several statements without parameters. */
  script(sql: string): void {
    this.guard(() => this.database.exec(sql));
  }

  /** All of `work`, or nothing. Transactions inside are part of the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#nested) return work();
    this.script('BEGIN IMMEDIATE');
    this.#nested = true;
    try {
      const result = work();
      this.script('COMMIT');
      return result;
    } catch (thrown) {
      // A full disk or a failing one ends the transaction by itself.
      if (this.database.isTransaction) this.script('ROLLBACK');
      throw thrown;
    } finally {
      this.#nested = false;
    }
  }
}
