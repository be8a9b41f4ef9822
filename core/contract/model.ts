/**
 * The records that cross a connection, in the words of the design: plain, serialisable, sizes in bytes, times as
 * ISO 8601 strings in UTC, durations in milliseconds.
 */
export { codingMethod, verifyMode, type CodingMethod, type VerifyMode } from './model/scalars.ts';
export * from './model/library.ts';
export * from './model/snapshot.ts';
export * from './model/jobs.ts';
export * from './model/store.ts';
export * from './model/analysis.ts';
export * from './model/retention.ts';
export * from './model/manners.ts';
export * from './model/hooks.ts';
export * from './model/schedules.ts';
