/** The command line: what there is to type, and how a command ends. */
import { Command, CommanderError } from 'commander';
import { toCairnError, toFailure } from '../../contract/errors.ts';
import { version } from '../../service/version.ts';
import type { Actions, Work } from './actions.ts';
import { addAnalyse } from './commands/analyse.ts';
import { addArchive } from './commands/archive.ts';
import { addBench } from './commands/bench.ts';
import { addCare } from './commands/care.ts';
import { addCopy } from './commands/copy.ts';
import { addDiff } from './commands/diff.ts';
import { addJobs } from './commands/jobs.ts';
import { addListing } from './commands/listing.ts';
import { addManners } from './commands/manners.ts';
import { addPrune } from './commands/prune.ts';
import { addRepair } from './commands/repair.ts';
import { addRestore } from './commands/restore.ts';
import { addSchedule } from './commands/schedule.ts';
import { addScan } from './commands/scan.ts';
import { addServe } from './commands/serve.ts';
import { addService } from './commands/service.ts';
import { addVerify } from './commands/verify.ts';
import { Output } from './output.ts';
import { exitCodes, interruptSignal, withSession, type GlobalOptions } from './session.ts';

class Invocation implements Actions {
  exitCode: number = exitCodes.done;

  async run(command: Command, work: Work, stays = false): Promise<void> {
    const options = command.optsWithGlobals<GlobalOptions>();
    const out = new Output(options.json ?? false);
    const interrupt = interruptSignal();
    try {
      this.exitCode = await withSession(options, out, interrupt, work, stays);
      if (!stays) out.end([]);
    } catch (thrown) {
      const error = toCairnError(thrown);
      out.error(error.message);
      out.end([toFailure(error)]);
      this.exitCode = error.code === 'cancelled' && interrupt.aborted ? exitCodes.interrupted : exitCodes.failed;
    }
  }
}

function program(actions: Actions): Command {
  const root = new Command('cairn')
    .description('Keeps every checkpoint of a training run on a fraction of the disk, and gives each one back bit for bit.')
    .version(version())
    .option('--home <folder>', 'where Cairn keeps its state (default: $CAIRN_HOME, or the data folder of the platform)')
    .option('--store <folder>', 'the store to use (default: $CAIRN_STORE, or the store below the home)')
    .option('--json', 'print one JSON record a line, the last of type "summary"')
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`cairn: ${text.replace(/^error: /, '').trim()}; see cairn --help\n`) });
  for (const add of [
    addScan,
    addArchive,
    addListing,
    addDiff,
    addVerify,
    addRestore,
    addCare,
    addPrune,
    addRepair,
    addCopy,
    addJobs,
    addSchedule,
    addAnalyse,
    addBench,
    addManners,
    addServe,
    addService,
  ])
    add(root, actions);
  return root;
}

/** Every command takes the global options too, before or after its name. */
function inheritOptions(root: Command): Command {
  for (const command of root.commands) {
    command.copyInheritedSettings(root);
    for (const option of root.options) if (option.long !== '--version') command.addOption(option);
    inheritOptions(command);
  }
  return root;
}

/** @returns the exit code: 0 done, 1 a finding or a failed item, 2 usage, 130 interrupted. */
export async function main(args: string[]): Promise<number> {
  const invocation = new Invocation();
  try {
    await inheritOptions(program(invocation)).parseAsync(args, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return invocation.exitCode;
}
