/**
 * The service end of a connection: checks every message, runs the handler that it names, answers, and passes events
 * on to those who subscribed. Whatever the other side sends, the worst that comes of it is a failure sent back.
 */
import { z } from 'zod';
import type { Connection } from '../contract/connection.ts';
import { CairnError, toFailure } from '../contract/errors.ts';
import { methods, type CheckedParamsOf, type EventName, type MethodName, type PayloadOf, type ResultOf } from '../contract/methods.ts';
import { clientMessage, type ClientMessage, type ServiceMessage } from '../contract/protocol.ts';

/** A method's implementation. `signal` aborts when the caller gives up or its connection closes. */
export type Handler<M extends MethodName> = (params: CheckedParamsOf<M>, signal: AbortSignal) => Promise<ResultOf<M>> | ResultOf<M>;
export type Handlers = { readonly [M in MethodName]: Handler<M> };

/** Where events come from: calls the listener for each, until the returned function is called. */
export type ListenToEvents = (listener: <E extends EventName>(event: E, payload: PayloadOf<E>) => void) => () => void;

export interface DispatchOptions {
  /** Checks handlers against the contract too: a result that doesn't fit becomes a failure. For tests and development. */
  checkResults?: boolean;
  /** Called when the connection has closed and its calls are aborted. */
  onEnd?: () => void;
}

/** More calls at once from one connection are refused. */
const maxRunningCalls = 1000;
const maxIssuesTold = 3;
const anyId = z.object({ id: z.number().int().nonnegative() });

function sentence(what: string, error: z.ZodError): string {
  const issues = error.issues.slice(0, maxIssuesTold).map((issue) => `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`);
  return `${what} does not fit the contract (${issues.join('; ').slice(0, 400)})`;
}

class Dispatcher {
  readonly #connection: Connection;
  readonly #handlers: Handlers;
  readonly #options: DispatchOptions;
  readonly #running = new Map<number, AbortController>();
  readonly #subscribed = new Set<EventName>();
  readonly #stopListening: () => void;

  constructor(connection: Connection, handlers: Handlers, listen: ListenToEvents, options: DispatchOptions) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#options = options;
    this.#stopListening = listen((event, payload) => this.#passOn(event, payload));
    connection.onMessage((message) => this.#receive(message));
    connection.onClose(() => this.#end());
  }

  #receive(message: unknown): void {
    const checked = clientMessage.safeParse(message);
    if (checked.success) this.#act(checked.data);
    else this.#fail(anyId.safeParse(message).data?.id, new CairnError('bad_request', sentence('the message', checked.error)));
  }

  #act(message: ClientMessage): void {
    if (message.verb === 'call') void this.#call(message.id, message.method, message.params);
    else if (message.verb === 'cancel') this.#running.get(message.id)?.abort(new CairnError('cancelled', 'the call was cancelled'));
    else if (message.verb === 'subscribe') this.#subscribed.add(message.event);
    else this.#subscribed.delete(message.event);
  }

  async #call(id: number, method: MethodName, params: unknown): Promise<void> {
    // Without an id: the answer would be taken for that of the first call.
    if (this.#running.has(id)) return this.#fail(undefined, new CairnError('bad_request', `call ${id} is running already; use another id`));
    if (this.#running.size >= maxRunningCalls) {
      return this.#fail(id, new CairnError('bad_request', `${maxRunningCalls} calls are running already; wait for one to end`));
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const result = await this.#run(method, params, controller.signal);
      if (this.#running.delete(id)) this.#send({ verb: 'answer', id, result });
    } catch (thrown) {
      this.#running.delete(id);
      this.#fail(id, thrown);
    }
  }

  async #run(method: MethodName, params: unknown, signal: AbortSignal): Promise<unknown> {
    const checked = methods[method].params.safeParse(params);
    if (!checked.success) throw new CairnError('bad_request', sentence(`${method}: its parameters`, checked.error));
    const handler = this.#handlers[method] as (params: unknown, signal: AbortSignal) => unknown;
    const result = await handler(checked.data, signal);
    if (!this.#options.checkResults) return result;
    const fit = methods[method].result.safeParse(result);
    if (!fit.success) throw new CairnError('internal', sentence(`${method}: its result`, fit.error));
    return result;
  }

  #passOn(event: EventName, payload: unknown): void {
    if (this.#subscribed.has(event)) this.#send({ verb: 'event', event, payload });
  }

  #fail(id: number | undefined, thrown: unknown): void {
    this.#send({ verb: 'failure', ...(id === undefined ? {} : { id }), error: toFailure(thrown) });
  }

  #send(message: ServiceMessage): void {
    try {
      this.#connection.send(message);
    } catch (thrown) {
      // The message itself could not go (too large, or it can't be cloned); a failure in its place can.
      if (message.verb === 'answer') this.#fail(message.id, thrown);
    }
  }

  #end(): void {
    this.#stopListening();
    const reason = new CairnError('cancelled', 'the connection was closed');
    for (const controller of this.#running.values()) controller.abort(reason);
    this.#running.clear();
    this.#subscribed.clear();
    this.#options.onEnd?.();
  }
}

/** Serves a connection until it closes. */
export function dispatch(connection: Connection, handlers: Handlers, listen: ListenToEvents, options: DispatchOptions = {}): void {
  new Dispatcher(connection, handlers, listen, options);
}
