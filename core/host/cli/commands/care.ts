/** The commands that look after a store: rm, pin, unpin, rebuild, doctor. */
import type { Command } from 'commander';
import type { Finding } from '../../../contract/model.ts';
import { followJob } from '../follow-job.ts';
import type { Actions } from '../actions.ts';
import { exitCodes, type Session } from '../session.ts';
import { addWaitOption, onceUnlocked } from '../wait-option.ts';

const nameOfSnapshot = 'id prefixes, or RUN@STEP';

export function addCare(root: Command, actions: Actions): void {
  const remove = root.command('rm').description('remove snapshots; prune frees their space').argument('<snapshot...>', nameOfSnapshot);
  addWaitOption(remove);
  remove.action((snapshots: string[]) => actions.run(remove, (session) => removeSnapshots(session, snapshots)));
  for (const [name, pinned] of [
    ['pin', true],
    ['unpin', false],
  ] as const) {
    const description = pinned ? 'keep snapshots from being removed' : 'let snapshots be removed again';
    const command = root.command(name).description(description).argument('<snapshot...>', nameOfSnapshot);
    addWaitOption(command);
    command.action((snapshots: string[], { wait = false }: { wait?: boolean }) =>
      actions.run(command, (session) => pin(session, snapshots, pinned, wait)),
    );
  }
  const rebuild = root.command('rebuild').description('make the catalogue again from the store');
  rebuild.action(() => actions.run(rebuild, rebuildCatalogue));
  const doctor = root.command('doctor').description('say what is wrong, and what to do');
  doctor.option('--break-lock', 'remove the lock of a writer that is gone for good; one that still lives writes nothing more');
  doctor.action(({ breakLock }: { breakLock?: boolean }) => actions.run(doctor, breakLock ? freeStore : examine));
}

async function removeSnapshots(session: Session, snapshots: string[]): Promise<number> {
  const job = await followJob(session, () => session.client.call('remove.start', { snapshots }));
  const removed = (job.result as { snapshots?: { id: string; run: string; step: number }[] }).snapshots ?? [];
  for (const { id, run, step } of removed) session.out.line(`removed ${id.slice(0, 8)}  ${run}@${step}`);
  session.out.line('cairn prune frees their space');
  session.out.summary(job.result);
  return exitCodes.done;
}

async function pin(session: Session, names: string[], pinned: boolean, wait: boolean): Promise<number> {
  const { client, out, interrupt } = session;
  const call = () => client.call('snapshots.pin', { snapshots: names, pinned }, { signal: interrupt });
  const { snapshots } = await onceUnlocked(session, wait, call);
  for (const { id, run, step } of snapshots) out.line(`${pinned ? 'pinned' : 'unpinned'} ${id.slice(0, 8)}  ${run}@${step}`);
  out.summary({ snapshots });
  return exitCodes.done;
}

async function rebuildCatalogue(session: Session): Promise<number> {
  const job = await followJob(session, () => session.client.call('rebuild.start', {}));
  session.out.line('the catalogue is made again from the store');
  session.out.summary(job.result);
  return reportFindings(session, (job.result as { findings?: Finding[] }).findings ?? []);
}

async function examine(session: Session): Promise<number> {
  const { client, out, interrupt } = session;
  const about = await client.call('service.about', {}, { signal: interrupt });
  const { findings } = await client.call('store.doctor', {}, { signal: interrupt });
  out.line(`Cairn ${about.version}, format ${about.format}, ${about.implementation}, ${about.threads} threads`);
  out.line(`home ${about.home}`);
  out.line(`store ${about.store}`);
  const exitCode = reportFindings(session, findings);
  if (findings.length === 0) out.line('nothing is wrong');
  out.summary({ about, findings });
  return exitCode;
}

async function freeStore({ client, out }: Session): Promise<number> {
  const { owner } = await client.call('store.breakLock', {});
  out.line(owner === undefined ? 'the store has no lock' : `the lock of ${owner} is removed`);
  out.summary({ owner: owner ?? null });
  return exitCodes.done;
}

function reportFindings({ out }: Session, findings: Finding[]): number {
  for (const finding of findings) out.finding(finding);
  return findings.length > 0 ? exitCodes.failed : exitCodes.done;
}
