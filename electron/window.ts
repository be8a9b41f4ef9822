/**
 * The window: a sandboxed page of our own scheme and nothing besides. It opens no other window, goes nowhere else, and holds no
 * webview.
 */
import { BrowserWindow, nativeTheme, type Event, type WebContents } from 'electron';
import { isOwnAddress, startPage } from './app-protocol.ts';
import { preloadFile } from './places.ts';
import { keepPlacement, leastSize, readPlacement } from './window-state.ts';

/** The ground of the interface, so that a window which opens doesn't flash. */
const ground = { light: '#f8f6f3', dark: '#13110f' };
/** A page that crashes again so soon is not loaded again by itself. */
const reloadAgainMs = 10_000;

const webPreferences = {
  preload: preloadFile,
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false, // its dictionaries would come from the network
} as const;

/** Denies every page what no page of ours does. For each web contents of the application, whoever makes it. */
export function confine(contents: WebContents): void {
  const stay = (event: Event<{ url: string }>): void => {
    if (!isOwnAddress(event.url)) event.preventDefault();
  };
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', stay);
  contents.on('will-frame-navigate', stay);
  contents.on('will-redirect', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function reloadAfterCrash(window: BrowserWindow): void {
  let last = -Infinity;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    const now = performance.now();
    if (reason === 'clean-exit' || window.isDestroyed() || now - last < reloadAgainMs) return;
    last = now;
    window.webContents.reload();
  });
}

/** Opens the window where it was last, and shows it once there is something to see. @param place hash of the interface to begin at */
export function openWindow(stateFile: string, place = ''): BrowserWindow {
  const { bounds, maximized } = readPlacement(stateFile);
  const window = new BrowserWindow({
    ...bounds,
    minWidth: leastSize.width,
    minHeight: leastSize.height,
    title: 'Cairn',
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? ground.dark : ground.light,
    webPreferences,
  });
  if (maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => keepPlacement(stateFile, window));
  reloadAfterCrash(window);
  window.loadURL(startPage + place).catch((thrown: Error) => {
    if (!window.isDestroyed()) process.stderr.write(`cairn: the interface does not load: ${thrown.message}\n`);
  });
  return window;
}
