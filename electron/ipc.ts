/** Questions from pages, answered only where the one who asks is the main document of one of our own windows on one of our own pages. */
import { BrowserWindow, ipcMain, type IpcMainInvokeEvent } from 'electron';
import { z } from 'zod';
import { isOwnAddress } from './app-protocol.ts';

/** For questions without a parameter. */
export const nothing = z.undefined();

/** The window whose own page sent this, or undefined. */
function senderWindow({ sender, senderFrame }: IpcMainInvokeEvent): BrowserWindow | undefined {
  if (senderFrame === null || senderFrame.parent !== null || !isOwnAddress(senderFrame.url)) return undefined;
  return BrowserWindow.fromWebContents(sender) ?? undefined;
}

/**
 * Answers one channel. Of what a page passes along only its first value is looked at, and only as the schema has it.
 *
 * The page's promise rejects where it is not ours, where what it passes does not fit, or where `reply` does.
 */
export function answerPage<Given>(
  channel: string,
  schema: z.ZodType<Given>,
  reply: (window: BrowserWindow, given: Given) => unknown,
): void {
  ipcMain.handle(channel, (event, given: unknown) => {
    const window = senderWindow(event);
    if (!window) throw new Error(`${channel} is answered to Cairn's own pages only`);
    const parsed = schema.safeParse(given);
    if (!parsed.success) throw new Error(`${channel}: ${parsed.error.issues[0]?.message ?? 'what was passed does not fit'}`);
    return reply(window, parsed.data);
  });
}
