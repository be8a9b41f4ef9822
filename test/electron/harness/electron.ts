/**
 * The modules of Electron that the shell uses, over a real Chromium. Tests resolve `electron` to this file.
 *
 * What running over it proves: main's own logic (start, second start, restart of the service, order of quitting), the channels and the
 * check of senders, the preload's surface from a world of its own, ports from the page to the real service in a child process, the
 * content policy, vetoes of navigation and windows, permissions as Chromium applies them, and the interface on Chromium's engine.
 *
 * What it can't prove: that Electron itself starts; the sandbox and the flags of web preferences (they are only compared with what they
 * should be); fuses; custom schemes as such (an https origin stands for ours); utilityProcess (a child process of Node stands for it);
 * menus, trays, dialogs and notifications as a system draws them; the path of a dropped file (tests say it); loading from an asar archive; crashed renderers; the close event that
 * Electron adds to ports (made here from a message). Values cross between
 * page and main as JSON, and the page's own world could forge the events that stand for Electron's bridge.
 */
export { app } from './application.ts';
export { BrowserWindow } from './browser-window.ts';
export { ipcMain } from './ipc.ts';
export { protocol } from './network.ts';
export { MessageChannelMain } from './ports.ts';
export { session } from './session.ts';
export {
  clipboard,
  dialog,
  Menu,
  nativeImage,
  nativeTheme,
  Notification,
  powerMonitor,
  powerSaveBlocker,
  screen,
  shell,
  Tray,
} from './system.ts';
export { utilityProcess } from './utility-process.ts';
