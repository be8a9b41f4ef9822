/** Figures of the study's tables as people read them. */
import { formatCount } from '../../ui/figures.ts';
import { text } from '../../ui/text.ts';
import type { Cell, Table } from './insight-tables.ts';

/** What follows the step in a row. */
export const numbersOf = (row: readonly Cell[]): number[] => row.slice(1).map(Number);

export const stepOf = (row: readonly Cell[] | undefined): string => text.insights.stepOf(formatCount(Number(row?.[0] ?? 0)));

export const stepNames = ({ rows }: Table): string[] => rows.map((row) => formatCount(Number(row[0])));
