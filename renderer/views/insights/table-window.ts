/** Which rows of a long table are made: those in sight and some around them. Pure. */

/** So many are made all together. */
const fewRows = 400;
export const rowHeight = 22;
const around = 30;

export interface RowWindow {
  first: number;
  /** Not included. */
  end: number;
}

/** @param scrolled pixels that lie above, `height` what is seen of the table */
export function rowsInSight(count: number, scrolled: number, height: number): RowWindow {
  if (count <= fewRows) return { first: 0, end: count };
  const first = Math.min(count - 1, Math.max(0, Math.floor(scrolled / rowHeight) - around));
  return { first, end: Math.min(count, first + Math.ceil(height / rowHeight) + 2 * around) };
}
