/** `cairn service`: a unit of systemd that keeps `cairn serve` running for this user, also after the machine was started anew. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { CairnError, toCairnError } from '../../../contract/errors.ts';
import { wholeNumber } from '../arguments.ts';
import type { Actions } from '../actions.ts';
import { exitCodes, type Session } from '../session.ts';

const unitName = 'cairn.service';

interface InstallOptions {
  port: number;
  print?: boolean;
  start: boolean;
}

/** A word of ExecStart=: quoted, and what systemd would replace in it doubled. */
export function unitWord(word: string): string {
  if (/[\n\r\0]/.test(word))
    throw new CairnError('bad_request', `${JSON.stringify(word)}: a unit can't hold a line break; choose another folder`);
  return `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}

/** The unit's text. @param command program and arguments, absolute */
export function unitText(command: readonly string[]): string {
  return [
    '[Unit]',
    'Description=Cairn: archives checkpoints in the background',
    '',
    '[Service]',
    `ExecStart=${command.map(unitWord).join(' ')}`,
    'Restart=on-failure',
    'RestartSec=10',
    '# SIGINT lets jobs stop at a safe point.',
    'KillSignal=SIGINT',
    'SuccessExitStatus=130',
    'Nice=10',
    'IOSchedulingClass=idle',
    'UMask=0077',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

export const unitPath = (env: NodeJS.ProcessEnv = process.env, home = homedir()): string =>
  path.join(env['XDG_CONFIG_HOME'] || path.join(home, '.config'), 'systemd', 'user', unitName);

export function addService(root: Command, actions: Actions): void {
  const service = root.command('service').description('keep cairn serve running in the background (systemd; README says how elsewhere)');
  const install = service
    .command('install')
    .description('write a unit for this user, with this home and store, and start it')
    .option('--port <number>', 'where it serves the interface', wholeNumber(1, 65535), 4725)
    .option('--print', 'only print the unit')
    .option('--no-start', 'only write the unit');
  install.action((options: InstallOptions) => actions.run(install, (session) => perform(session, options)));
  const uninstall = service.command('uninstall').description('stop the service and remove its unit; home and store stay');
  uninstall.action(() => actions.run(uninstall, undo));
}

function assertSystemd(): void {
  if (process.platform !== 'linux')
    throw new CairnError('unsupported', 'units of systemd are for Linux; README says how to keep cairn serve running on this system');
}

/** @throws CairnError `unsupported` where there is no systemctl, `io` with its words */
function systemctl(...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemctl', ['--user', ...args], { timeout: 30_000 }, (error, _stdout, stderr) => {
      if (!error) return resolve();
      const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = isAbsent ? 'there is no systemctl here' : stderr.trim().split('\n').at(-1) || error.message;
      reject(new CairnError(isAbsent ? 'unsupported' : 'io', `systemctl --user ${args.join(' ')}: ${why}; the unit is at ${unitPath()}`));
    });
  });
}

async function perform({ service, out }: Session, { port, print, start }: InstallOptions): Promise<number> {
  const { home, store } = service.about();
  const command = [process.execPath, path.resolve(process.argv[1]!), 'serve', '--port', String(port), '--home', home, '--store', store];
  const text = unitText(command);
  if (print) {
    for (const line of text.trimEnd().split('\n')) out.line(line);
    out.summary({ unit: text });
    return exitCodes.done;
  }
  assertSystemd();
  const at = unitPath();
  try {
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, text);
  } catch (thrown) {
    throw toCairnError(thrown);
  }
  if (start) {
    await systemctl('daemon-reload');
    await systemctl('enable', unitName);
    await systemctl('restart', unitName);
  }
  out.line(`${at}: ${start ? 'it runs, and will after each log-in; journalctl --user -u cairn shows its address' : 'written'}`);
  out.summary({ path: at, unit: text, started: start });
  return exitCodes.done;
}

async function undo({ out }: Session): Promise<number> {
  assertSystemd();
  const at = unitPath();
  await systemctl('disable', '--now', unitName);
  rmSync(at, { force: true });
  await systemctl('daemon-reload');
  out.line(`${at}: removed`);
  out.summary({ path: at });
  return exitCodes.done;
}
