/**
 * A service that stays, as a process of its own that a test may kill: starts the archive that it is given as JSON, or goes on with what
 * was left. Prints a line each time a job changes: the job, and how many bytes the process has read by then.
 */
import { readFileSync } from 'node:fs';
import { createClient } from '../../core/contract/client.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import type { ParamsOf } from '../../core/contract/methods.ts';
import { Service } from '../../core/service/service.ts';

/** By every call that reads, from memory or disk, where the system counts that (Linux does). */
function bytesRead(): number {
  try {
    return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]);
  } catch {
    return 0;
  }
}

const [home, storePath, archive] = process.argv.slice(2) as [string, string, string?];
const service = await Service.open({ home, storePath, host: 'test', threads: 1, stays: true });
const [clientEnd, serviceEnd] = inProcessPair();
service.serve(serviceEnd);
const client = createClient(clientEnd);
client.subscribe('job.changed', ({ job }) => process.stdout.write(`${JSON.stringify({ job, bytesRead: bytesRead() })}\n`));
if (archive !== undefined) await client.call('archive.start', JSON.parse(archive) as ParamsOf<'archive.start'>);
setInterval(() => undefined, 1000);
