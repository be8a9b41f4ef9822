/** Values that records of several kinds are made of. */
import { z } from 'zod';

export const bytes = z.number().int().nonnegative();
export const count = z.number().int().positive();
export const time = z.iso.datetime();
export const threads = z.number().int().min(1).max(256);

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'it must be a time of day such as 22:30');
/** From one time of day to another, over midnight where the second is the earlier. */
export const dailySpan = z.object({ from: clockTime, to: clockTime });

/** How tensors are coded: with all that Cairn has, or as in the LMC paper, to compare with. */
export const codingMethod = z.enum(['cairn', 'lmc']);
export type CodingMethod = z.infer<typeof codingMethod>;

/** `data` decodes everything and compares digests, `structure` reads tables and checksums. */
export const verifyMode = z.enum(['data', 'structure']);
export type VerifyMode = z.infer<typeof verifyMode>;
