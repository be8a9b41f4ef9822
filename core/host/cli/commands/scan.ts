/** `cairn scan`: which runs and checkpoints lie below some folders. */
import path from 'node:path';
import type { Command } from 'commander';
import type { Run } from '../../../contract/model.ts';
import type { Actions } from '../actions.ts';
import { right, size } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';

export function addScan(root: Command, actions: Actions): void {
  const command = root
    .command('scan')
    .description('recognise runs and checkpoints, reading headers only')
    .argument('<path...>', 'folders with runs, runs, or single checkpoints');
  command.action((paths: string[]) => actions.run(command, (session) => scan(session, paths)));
}

async function scan({ client, out, interrupt }: Session, paths: string[]): Promise<number> {
  const { runs, findings } = await client.call('sources.scan', { paths: paths.map((name) => path.resolve(name)) }, { signal: interrupt });
  const found = runs.map((run) => ({ run, checkpoints: checkpointsOf(run) })).filter(({ checkpoints }) => checkpoints.length > 0);
  out.table(
    ['run', 'layout', right('step'), right('files'), right('size'), 'state', 'path'],
    found.flatMap(({ run, checkpoints }) =>
      checkpoints.map(({ step, files, bytes, state, reason, path: place }) => [
        run.name,
        run.layout,
        String(step),
        String(files),
        size(bytes),
        reason === undefined ? state : `${state}: ${reason}`,
        place,
      ]),
    ),
  );
  const bytes = found.flatMap(({ checkpoints }) => checkpoints).reduce((sum, checkpoint) => sum + checkpoint.bytes, 0);
  const steps = found.reduce((sum, { checkpoints }) => sum + checkpoints.length, 0);
  out.line(
    `${found.length} ${found.length === 1 ? 'run' : 'runs'}, ${steps} ${steps === 1 ? 'checkpoint' : 'checkpoints'}, ${size(bytes)}`,
  );
  for (const finding of findings) out.finding(finding);
  const records = found.map(({ run: { name, path: place, layout }, checkpoints }) => ({
    name,
    path: place,
    layout,
    snapshots: checkpoints,
  }));
  for (const record of records) out.record('run', record);
  out.summary({ runs: records, findings });
  return findings.some(({ severity }) => severity === 'error') ? exitCodes.failed : exitCodes.done;
}

const checkpointsOf = (run: Run) => run.chain.map(({ checkpoint }) => checkpoint).filter((checkpoint) => checkpoint !== undefined);
