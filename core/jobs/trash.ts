/** The trash of the system, moved to by the system's own command, so that its desktop shows it and can put it back. */
import { execFile } from 'node:child_process';
import { CairnError } from '../contract/errors.ts';

/** By platform. PowerShell gets the path through the environment, where nothing in it is read as a command. */
const commands: Partial<Record<NodeJS.Platform, (path: string) => [program: string, args: string[]]>> = {
  linux: (path) => ['gio', ['trash', '--', path]],
  darwin: (path) => ['/usr/bin/trash', [path]],
  win32: () => ['powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', intoRecycleBin]],
};

const intoRecycleBin = [
  'Add-Type -AssemblyName Microsoft.VisualBasic;',
  '$p = $env:CAIRN_TRASH;',
  "if (Test-Path -LiteralPath $p -PathType Container) { [Microsoft.VisualBasic.FileIO.FileSystem]::DeleteDirectory($p, 'OnlyErrorDialogs', 'SendToRecycleBin') }",
  "else { [Microsoft.VisualBasic.FileIO.FileSystem]::DeleteFile($p, 'OnlyErrorDialogs', 'SendToRecycleBin') }",
].join(' ');

/**
 * Moves a file or folder to the trash.
 *
 * @param path absolute
 * @throws CairnError `unsupported` where the system has no command for it, `io` with its words; the original stays where it is then
 */
export async function moveToTrash(path: string): Promise<void> {
  const [program, args] = commands[process.platform]?.(path) ?? [];
  if (program === undefined) throw new CairnError('unsupported', `${path}: this system has no trash that Cairn knows; release it without`);
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { env: { ...process.env, CAIRN_TRASH: path }, windowsHide: true }, (error, _stdout, stderr) => {
      if (!error) return resolve();
      const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = isAbsent ? `there is no ${program} here` : stderr.trim().split('\n').at(-1) || error.message;
      reject(new CairnError(isAbsent ? 'unsupported' : 'io', `${path}: not moved to the trash, ${why}; release it without`, { path }));
    });
  });
}
