/**
 * A MessagePort as a connection. Three kinds of port exist and this takes each of them: the browser's and that of
 * node:worker_threads (event targets), and Electron's MessagePortMain (an emitter whose events carry `data`).
 */
import type { Connection } from '../connection.ts';
import { Mailbox } from './mailbox.ts';

interface TargetPort {
  addEventListener(type: 'message' | 'close', listener: (event: { data?: unknown }) => void): void;
}

interface EmitterPort {
  on(type: 'message' | 'close', listener: (event?: { data?: unknown }) => void): unknown;
}

/** The part of a port that is used. */
export type Port = { postMessage(message: unknown): void; start(): void; close(): void } & (TargetPort | EmitterPort);

function listen(port: Port, type: 'message' | 'close', listener: (event?: { data?: unknown }) => void): void {
  if ('addEventListener' in port) port.addEventListener(type, listener);
  else port.on(type, listener);
}

/** Wraps a port and starts it. A port carries no reason when it closes. */
export function portConnection(port: Port): Connection {
  const mailbox = new Mailbox();
  listen(port, 'message', (event) => mailbox.deliver(event?.data));
  listen(port, 'close', () => mailbox.close());
  port.start();
  return {
    send(message) {
      if (!mailbox.closed) port.postMessage(message);
    },
    onMessage: (listener) => mailbox.listen(listener),
    onClose: (listener) => mailbox.listenForClose(listener),
    close(reason) {
      if (mailbox.closed) return;
      port.close();
      mailbox.close(reason);
    },
  };
}
