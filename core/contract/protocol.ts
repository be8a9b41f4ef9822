/**
 * What goes over a connection, whatever carries it. Four verbs from the client (`call`, `cancel`, `subscribe`,
 * `unsubscribe`), three from the service (`answer`, `failure`, `event`). Both sides check every message.
 */
import { z } from 'zod';
import { failure } from './errors.ts';
import { events, methods, type EventName, type MethodName } from './methods.ts';

const id = z.number().int().nonnegative();
const methodName = z.enum(Object.keys(methods) as [MethodName, ...MethodName[]]);
const eventName = z.enum(Object.keys(events) as [EventName, ...EventName[]]);

/** No message may be larger; a longer one closes the connection. */
export const maxMessageBytes = 64 * 1024 * 1024;

export const clientMessage = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('call'), id, method: methodName, params: z.unknown() }),
  z.object({ verb: z.literal('cancel'), id }),
  z.object({ verb: z.literal('subscribe'), event: eventName }),
  z.object({ verb: z.literal('unsubscribe'), event: eventName }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;

export const serviceMessage = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('answer'), id, result: z.unknown() }),
  /** `id` is absent where the message that failed had none that could be read. */
  z.object({ verb: z.literal('failure'), id: id.optional(), error: failure }),
  z.object({ verb: z.literal('event'), event: eventName, payload: z.unknown() }),
]);
export type ServiceMessage = z.infer<typeof serviceMessage>;
