/**
 * A WebSocket as a connection: one JSON text a message. Written against what the browser's WebSocket and the `ws`
 * package have in common, so that both ends use it.
 */
import type { Connection } from '../connection.ts';
import { CairnError } from '../errors.ts';
import { maxMessageBytes } from '../protocol.ts';
import { Mailbox } from './mailbox.ts';

/** The part of a WebSocket that is used. */
export interface Socket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { reason: string }) => void): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
}

const open = 1;
const normalClosure = 1000;
const tooSlow = 1013;
/** A peer that reads so slowly that this much waits for it is cut off. */
const maxWaitingBytes = 4 * maxMessageBytes;
/** The WebSocket protocol allows 123 bytes. */
const maxReasonBytes = 123;

/** Text that is no JSON is passed on as it is: no schema accepts a string, so it is refused where messages are checked. */
function parse(payload: unknown): unknown {
  if (typeof payload !== 'string') return undefined;
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return payload;
  }
}

function boundedReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason).subarray(0, maxReasonBytes);
  return new TextDecoder().decode(bytes).replace(/\uFFFD+$/, '');
}

function serialise(message: unknown): string {
  const text = JSON.stringify(message);
  // UTF-8 takes at most three bytes a UTF-16 unit, so most messages need no exact count.
  if (text.length * 3 > maxMessageBytes && new TextEncoder().encode(text).length > maxMessageBytes) {
    throw new CairnError('bad_request', `the message is larger than ${maxMessageBytes} bytes; ask for fewer rows at once`);
  }
  return text;
}

/**
 * Wraps a socket that is open.
 *
 * `send` throws CairnError `bad_request` for a message over `maxMessageBytes`, and does nothing once closed.
 */
export function socketConnection(socket: Socket): Connection {
  const mailbox = new Mailbox();
  socket.addEventListener('message', (event) => mailbox.deliver(parse(event.data)));
  socket.addEventListener('close', (event) => mailbox.close(event.reason || undefined));
  socket.addEventListener('error', () => {}); // a close follows every error
  return {
    send(message) {
      if (socket.readyState !== open) return;
      const text = serialise(message);
      if (socket.bufferedAmount > maxWaitingBytes) socket.close(tooSlow, 'messages are not read fast enough');
      else socket.send(text);
    },
    onMessage: (listener) => mailbox.listen(listener),
    onClose: (listener) => mailbox.listenForClose(listener),
    close(reason = '') {
      socket.close(normalClosure, boundedReason(reason));
      mailbox.close(reason || undefined);
    },
  };
}

/**
 * Waits until a new socket is open.
 *
 * @throws CairnError `io` where it closes before that (nobody listens there, or the token is wrong).
 */
export function openSocketConnection(socket: Socket): Promise<Connection> {
  const connection = socketConnection(socket);
  if (socket.readyState === open) return Promise.resolve(connection);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(connection));
    socket.addEventListener('close', (event) => {
      reject(new CairnError('io', event.reason || 'the service does not answer; check that it runs and that the address is whole'));
    });
  });
}
