import { formatCount } from '../figures.ts';

/** "1 step", "1,200 steps". */
export const count = (n: number, one: string, many = `${one}s`): string => `${formatCount(n)} ${n === 1 ? one : many}`;
