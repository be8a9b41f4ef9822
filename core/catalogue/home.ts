/** Where Cairn keeps its state on this machine. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `$CAIRN_HOME`, else the platform's folder for application data. Absolute; not made. */
export function cairnHome(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform, home = homedir()): string {
  if (env['CAIRN_HOME']) return resolve(env['CAIRN_HOME']);
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Cairn');
  if (platform === 'win32') return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), 'Cairn');
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'cairn');
}
