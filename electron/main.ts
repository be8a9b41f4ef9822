/**
 * The desktop application: its life from start to quit. One of it runs for each profile; a second start hands its folders over and
 * ends. Quitting goes in order: the window (its place is kept), then the service (jobs stop at a safe point, the store is let go),
 * then the process.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { app, dialog } from 'electron';
import { toCairnError } from '../core/contract/errors.ts';
import { registerScheme } from './app-protocol.ts';
import { Desktop } from './desktop.ts';
import { linkScheme, placeOf } from './link.ts';
import { parseLaunch, requestOf, storeOf, type Launch } from './launch.ts';
import { confine } from './window.ts';

function live(launch: Launch): void {
  const desktop = new Desktop(launch, path.join(launch.profile, 'window.json'));
  let isClosing = false;
  let isClosed = false;

  app.on('web-contents-created', (_event, contents) => confine(contents));
  app.on('second-instance', (_event, _words, _cwd, additional) => {
    void app.whenReady().then(() => desktop.request(requestOf(additional)));
  });
  // The Mac hands over what is opened with the application or dropped on its icon, and links, as events.
  app.on('open-file', (event, file) => {
    event.preventDefault();
    const store = storeOf(file);
    void app.whenReady().then(() => desktop.request(store === undefined ? requestOf({ folders: [file] }) : { folders: [], store }));
  });
  app.on('open-url', (event, link) => {
    event.preventDefault();
    void app.whenReady().then(() => desktop.request({ folders: [], place: placeOf(link) }));
  });
  app.on('activate', () => desktop.show());
  app.on('window-all-closed', () => desktop.leaveIfIdle());
  app.on('will-quit', (event) => {
    if (isClosed) return;
    event.preventDefault();
    if (isClosing) return;
    isClosing = true;
    void desktop.close().finally(() => {
      isClosed = true;
      app.quit();
    });
  });
  void app.whenReady().then(() => {
    desktop.open();
    if (launch.store === undefined && launch.opened !== undefined) void desktop.request({ folders: [], store: launch.opened });
  });
}

/** Chromium's own state goes where ours is: two homes never share an instance, a lock or a window's place. */
function useProfile(folder: string): void {
  mkdirSync(folder, { recursive: true });
  app.setPath('userData', folder);
  app.setPath('sessionData', folder);
}

function start(launch: Launch): void {
  try {
    useProfile(launch.profile);
  } catch (thrown) {
    dialog.showErrorBox('Cairn can’t start', toCairnError(thrown).message);
    return app.exit(1);
  }
  app.enableSandbox();
  registerScheme();
  // From a checkout it would be Node's or Electron's own program that links start.
  // Where the system makes a command line of a link, switches end before it.
  if (app.isPackaged) app.setAsDefaultProtocolClient(linkScheme, process.execPath, ['--']);
  const { folders, place, store = launch.opened } = launch;
  if (app.requestSingleInstanceLock({ folders, place, store })) live(launch);
  else app.quit();
}

start(parseLaunch(process.argv.slice(app.isPackaged ? 1 : 2), process.cwd(), app.getPath('appData')));
