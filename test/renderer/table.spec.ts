import { describe, expect, it } from 'vitest';
import { nextOrder, sortRows, toggled, withRange, type Column } from '../../renderer/ui/table.ts';

interface Row {
  name: string;
  size: number | undefined;
}
const columns: Column<Row>[] = [
  { key: 'name', label: 'Name', width: '1fr', sortBy: (row) => row.name },
  { key: 'size', label: 'Size', width: '1fr', sortBy: (row) => row.size, largestFirst: true },
  { key: 'plain', label: 'Plain', width: '1fr' },
];
const rows: Row[] = [
  { name: 'layer.10', size: 5 },
  { name: 'layer.9', size: undefined },
  { name: 'Layer.1', size: 9 },
];
const names = (order: { key: string; descending: boolean } | undefined): string[] => sortRows(rows, columns, order).map((row) => row.name);

describe('sorting', () => {
  it('counts numbers within names', () => expect(names({ key: 'name', descending: false })).toEqual(['Layer.1', 'layer.9', 'layer.10']));
  it('puts rows without a value last, whichever way', () => {
    expect(names({ key: 'size', descending: true })).toEqual(['Layer.1', 'layer.10', 'layer.9']);
    expect(names({ key: 'size', descending: false })).toEqual(['layer.10', 'Layer.1', 'layer.9']);
  });
  it('leaves rows as they come without an order', () => expect(names(undefined)).toEqual(['layer.10', 'layer.9', 'Layer.1']));
  it('goes from the natural order to the other, then to none', () => {
    const size = columns[1]!;
    const first = nextOrder(undefined, size);
    const second = nextOrder(first, size);
    expect([first?.descending, second?.descending, nextOrder(second, size)]).toEqual([true, false, undefined]);
  });
});

describe('selecting', () => {
  const keys = ['a', 'b', 'c', 'd'];
  it('takes everything between two rows, both ways', () => {
    expect([...withRange(keys, new Set(), 'b', 'd')]).toEqual(['b', 'c', 'd']);
    expect([...withRange(keys, new Set(['a']), 'd', 'c')].toSorted()).toEqual(['a', 'c', 'd']);
  });
  it('takes the one row where the other end is gone', () => expect([...withRange(keys, new Set(), 'gone', 'c')]).toEqual(['c']));
  it('puts in and takes out', () => expect([...toggled(toggled(new Set(['a']), 'b'), 'a')]).toEqual(['b']));
});
