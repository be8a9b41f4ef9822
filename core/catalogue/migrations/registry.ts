/** All migrations, ascending. The number of the last one is the schema's version. */
import { found } from './010-found.ts';
import { snapshots } from './020-snapshots.ts';
import { jobs } from './030-jobs.ts';
import { schedules } from './040-schedules.ts';
import { coverage } from './050-coverage.ts';
import { scheduleFile } from './060-schedule-file.ts';
import { durable } from './070-durable.ts';
import { jobRequests } from './080-job-requests.ts';
import type { Migration } from './migration.ts';

export const migrations: readonly Migration[] = [found, snapshots, jobs, schedules, coverage, scheduleFile, durable, jobRequests];

export const schemaVersion = migrations.at(-1)!.number;
