/** What the tables of the interface have in common, apart from drawing them. */
export interface Column<Row> {
  key: string;
  label: string;
  /** A track of a CSS grid: "minmax(160px, 2fr)", "90px". */
  width: string;
  align?: 'end';
  /** For a column of buttons: its head is read out but not drawn. */
  hidesLabel?: boolean;
  tip?: string;
  /** What rows are ordered by; absent where the column can't be sorted. Rows without a value come last. */
  sortBy?: (row: Row) => string | number | undefined;
  /** Whether the first click orders from large to small, as one wants sizes. */
  largestFirst?: boolean;
}

export interface Order {
  key: string;
  descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/** Orders rows by a column; stable, rows without a value last either way. */
export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order | undefined): readonly Row[] {
  const sortBy = columns.find((column) => column.key === order?.key)?.sortBy;
  if (!order || !sortBy) return rows;
  const sign = order.descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: sortBy(row) }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return Number(a.key === undefined) - Number(b.key === undefined);
    return sign * compare(a.key, b.key);
  });
  return keyed.map(({ row }) => row);
}

/** The order after a click on a column's head: its natural order, the other way, then none. */
export function nextOrder<Row>(order: Order | undefined, column: Column<Row>): Order | undefined {
  const first = column.largestFirst ?? false;
  if (order?.key !== column.key) return { key: column.key, descending: first };
  return order.descending === first ? { key: column.key, descending: !first } : undefined;
}

/** A selection with everything between two rows in it. */
export function withRange<Key>(keys: readonly Key[], selected: ReadonlySet<Key>, from: Key | undefined, to: Key): Set<Key> {
  const a = from === undefined ? -1 : keys.indexOf(from);
  const b = keys.indexOf(to);
  if (a < 0 || b < 0) return new Set([...selected, to]);
  return new Set([...selected, ...keys.slice(Math.min(a, b), Math.max(a, b) + 1)]);
}

/** A selection with one key put in or taken out. */
export function toggled<Key>(selected: ReadonlySet<Key>, key: Key): Set<Key> {
  const next = new Set(selected);
  if (!next.delete(key)) next.add(key);
  return next;
}
