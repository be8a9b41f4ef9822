/** The system's own dialogs. */
import { dialog, type BrowserWindow, type MessageBoxOptions } from 'electron';
import type { Failure } from '../core/contract/errors.ts';

let picking: Promise<string | undefined> | undefined;

async function ask(window: BrowserWindow): Promise<string | undefined> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, { properties: ['openDirectory', 'createDirectory'] });
  return canceled ? undefined : filePaths[0];
}

/** Asks for a folder; undefined when the user thinks better of it. While a dialog is open, asking again waits for that one. */
export function pickFolder(window: BrowserWindow): Promise<string | undefined> {
  picking ??= ask(window).finally(() => (picking = undefined));
  return picking;
}

async function choose(window: BrowserWindow | undefined, options: MessageBoxOptions): Promise<number> {
  const shown = window ? dialog.showMessageBox(window, options) : dialog.showMessageBox(options);
  return (await shown).response;
}

/** The service is not there. True: the user wants to try again; false: to quit. */
export async function askToRetry(window: BrowserWindow | undefined, { message }: Failure): Promise<boolean> {
  const buttons = ['Try again', 'Quit'];
  const options: MessageBoxOptions = {
    type: 'error',
    message: 'Cairn’s service is not running',
    detail: message,
    buttons,
    defaultId: 0,
    cancelId: 1,
  };
  return (await choose(window, options)) === 0;
}

/** Jobs are running. True: interrupt them and quit. */
export async function askToInterrupt(window: BrowserWindow | undefined, status: string): Promise<boolean> {
  const buttons = ['Keep running', 'Quit'];
  const detail = `${status}\n\nQuitting interrupts it at a safe point. Nothing that is archived is lost, and the job can be retried.`;
  const options: MessageBoxOptions = { type: 'question', message: 'A job is running', detail, buttons, defaultId: 0, cancelId: 0 };
  return (await choose(window, options)) === 1;
}

/** Somebody opened the file of a store. True: it takes the place of the present one. */
export async function askToOpenStore(window: BrowserWindow | undefined, store: string, interrupts: boolean): Promise<boolean> {
  const jobs = interrupts ? '\n\nA job is running on the present store; it is interrupted at a safe point and can be retried there.' : '';
  const detail = `${store}${jobs}\n\nThe present store stays as it is; Cairn begins with it again at its next start.`;
  const buttons = ['Cancel', 'Open store'];
  const options: MessageBoxOptions = { type: 'question', message: 'Open this store?', detail, buttons, defaultId: 1, cancelId: 0 };
  return (await choose(window, options)) === 1;
}

/** Resolves when the user has seen it. */
export async function tellFailure(window: BrowserWindow | undefined, message: string, detail: string): Promise<void> {
  await choose(window, { type: 'error', message, detail, buttons: ['OK'] });
}
