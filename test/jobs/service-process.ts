/** A service that stays, as a process of its own that a test may kill: archives the folder that it is given, or goes on with what was left. */
import { createClient } from '../../core/contract/client.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import { Service } from '../../core/service/service.ts';

const [home, storePath, folder] = process.argv.slice(2) as [string, string, string?];
const service = await Service.open({ home, storePath, host: 'test', threads: 1, stays: true });
const [clientEnd, serviceEnd] = inProcessPair();
service.serve(serviceEnd);
const client = createClient(clientEnd);
client.subscribe('job.changed', ({ job }) => process.stdout.write(`${JSON.stringify(job)}\n`));
if (folder !== undefined) await client.call('archive.start', { paths: [folder], threads: 1 });
setInterval(() => undefined, 1000);
