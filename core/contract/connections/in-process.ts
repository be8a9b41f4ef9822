/** Two ends in one process, for the command line and tests. Messages are cloned, so neither side sees the other's memory. */
import type { Connection } from '../connection.ts';
import { Mailbox } from './mailbox.ts';

function end(own: Mailbox, other: Mailbox): Connection {
  return {
    send(message) {
      if (own.closed || other.closed) return;
      const clone: unknown = structuredClone(message);
      queueMicrotask(() => other.deliver(clone));
    },
    onMessage: (listener) => own.listen(listener),
    onClose: (listener) => own.listenForClose(listener),
    close(reason) {
      if (own.closed) return;
      own.close(reason);
      queueMicrotask(() => other.close(reason));
    },
  };
}

/** A connected pair: what one end sends, the other receives, in order and never within the call of `send`. */
export function inProcessPair(): [Connection, Connection] {
  const first = new Mailbox();
  const second = new Mailbox();
  return [end(first, second), end(second, first)];
}
