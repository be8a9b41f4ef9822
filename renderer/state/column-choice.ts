/** Which columns of a table are shown: all but the first may be hidden, and stay so. */
import type { Column } from '../ui/table.ts';
import { text } from '../ui/text.ts';
import type { Command } from './commands.svelte.ts';
import { preferences } from './preferences.svelte.ts';

const hiddenOf = (table: string): readonly string[] => preferences.hiddenColumns[table] ?? [];

/** @param table its name, under which the choice is kept */
export function shownColumns<Row>(table: string, columns: readonly Column<Row>[]): readonly Column<Row>[] {
  const hidden = hiddenOf(table);
  return columns.filter(({ key }, index) => index === 0 || !hidden.includes(key));
}

function toggle(table: string, key: string): void {
  const hidden = hiddenOf(table);
  const next = hidden.includes(key) ? hidden.filter((other) => other !== key) : [...hidden, key];
  preferences.hiddenColumns = { ...preferences.hiddenColumns, [table]: next };
}

/** The menu of a table's head. */
export function columnMenu<Row>(table: string, columns: readonly Column<Row>[]): Command[] {
  const hidden = hiddenOf(table);
  const choices = columns.slice(1).map(({ key, label }): Command => ({
    id: key,
    title: label,
    group: text.columns.title,
    checked: !hidden.includes(key),
    run: () => toggle(table, key),
  }));
  const all = { id: 'all', title: text.columns.all, group: text.columns.all, disabled: hidden.length === 0 };
  return [...choices, { ...all, run: () => void (preferences.hiddenColumns = { ...preferences.hiddenColumns, [table]: [] }) }];
}
