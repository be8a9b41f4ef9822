/** ipcMain: handlers by channel. */
import type { WebContents } from './web-contents.ts';

export interface InvokeEvent {
  sender: WebContents;
  senderFrame: { url: string; parent: null } | null;
}
type Handler = (event: InvokeEvent, ...args: unknown[]) => unknown;

const handlers = new Map<string, Handler>();

export const ipcMain = {
  handle(channel: string, handler: Handler): void {
    if (handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    handlers.set(channel, handler);
  },
};

/** @throws what the handler threw, or that there is none */
export async function invoke(channel: string, event: InvokeEvent, args: unknown[]): Promise<unknown> {
  const handler = handlers.get(channel);
  if (!handler) throw new Error(`No handler registered for '${channel}'`);
  return await handler(event, ...args);
}
