/** Questions from pages, answered only where the one who asks is the main document of one of our own windows on one of our own pages. */
import { BrowserWindow, ipcMain, type IpcMainInvokeEvent } from 'electron';
import { isOwnAddress } from './app-protocol.ts';

/** The window whose own page sent this, or undefined. */
function senderWindow({ sender, senderFrame }: IpcMainInvokeEvent): BrowserWindow | undefined {
  if (senderFrame === null || senderFrame.parent !== null || !isOwnAddress(senderFrame.url)) return undefined;
  return BrowserWindow.fromWebContents(sender) ?? undefined;
}

/**
 * Answers one channel. What a page passes along is not handed on: none of our questions has parameters.
 *
 * The page's promise rejects where it is not ours, or where `reply` does.
 */
export function answerPage(channel: string, reply: (window: BrowserWindow) => Promise<unknown>): void {
  ipcMain.handle(channel, (event) => {
    const window = senderWindow(event);
    if (!window) throw new Error(`${channel} is answered to Cairn's own pages only`);
    return reply(window);
  });
}
