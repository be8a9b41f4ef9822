/** The ids and widths that FORMAT.md section 2 gives to elements, roles and block codecs. No native code behind it. */

/** Element ids of FORMAT.md section 2. */
export const elements = {
  bytes8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  bfloat16: 6,
  float32: 7,
  float64: 8,
  float8e4m3: 9,
  float8e5m2: 10,
} as const;
export type ElementId = (typeof elements)[keyof typeof elements];

/** Width in bytes by element id. */
export const elementWidths: Record<ElementId, number> = { 1: 1, 2: 2, 3: 4, 4: 8, 5: 2, 6: 2, 7: 4, 8: 8, 9: 1, 10: 1 };

/** How what a content needs in a role must divide: as the content itself, or into as many elements of float32. */
export function neededLength(role: number, element: ElementId, length: number): { element: ElementId; length: number } {
  if (role === roles.base) return { element, length };
  return { element: elements.float32, length: (length / elementWidths[element]) * elementWidths[elements.float32] };
}

/** log2 of the elements in a block of the tensor coding, and of the bytes coding. */
export const tensorBlockLog2 = 19;
export const bytesBlockLog2 = 22;

export const roles = { base: 1, master: 2, secondMoment: 3 } as const;

/** Names of the block codecs by id, FORMAT.md section 2. */
export const codecNames = [
  'raw',
  'constant',
  'unchanged',
  'zstd',
  'planes',
  'xor-planes',
  'lmc',
  'lmc-xor',
  'conditioned',
  'difference-planes',
  'rounded',
  'moment',
  'rows',
  'rows-base',
  'conditioned-parts',
] as const;

export const codecIds = { raw: 0, constant: 1, unchanged: 2, zstd: 3 } as const;
