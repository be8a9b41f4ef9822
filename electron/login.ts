/** Whether the application opens, hidden, when the user logs in. macOS and Windows keep that themselves, Linux in a file of the desktop's. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { app } from 'electron';

/** Starts without a window: schedules run, and the tray is there. */
const hiddenSwitch = '--hidden';

/** Where desktops look for what to start (Desktop Application Autostart Specification). @param configuration $XDG_CONFIG_HOME */
export const autostartFile = (configuration: string): string => path.join(configuration, 'autostart', 'cairn.desktop');

/** A word of Exec=, quoted as the Desktop Entry Specification says. */
const quoted = (word: string): string =>
  `"${word
    .replaceAll(/["`$\\]/g, '\\$&')
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%')}"`;

/** What a desktop of Linux reads to start a program at log-in. */
export function autostartText(program: string): string {
  return ['[Desktop Entry]', 'Type=Application', 'Name=Cairn', `Exec=${quoted(program)} ${hiddenSwitch}`, 'Terminal=false', ''].join('\n');
}

/** An AppImage is mounted elsewhere each time: it is started by its own file. */
const program = (): string => process.env['APPIMAGE'] ?? process.execPath;

/** Whether the application starts, without a window, when the user logs in. */
export function opensAtLogin(): boolean {
  if (process.platform !== 'linux') return app.getLoginItemSettings({ args: [hiddenSwitch] }).openAtLogin;
  return statSync(autostartFile(app.getPath('appData')), { throwIfNoEntry: false }) !== undefined;
}

/** @throws what the system says where the file can't be written or removed */
export function openAtLogin(wanted: boolean): void {
  if (process.platform !== 'linux') return app.setLoginItemSettings({ openAtLogin: wanted, args: [hiddenSwitch] });
  const file = autostartFile(app.getPath('appData'));
  if (!wanted) return rmSync(file, { force: true });
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, autostartText(program()));
}
