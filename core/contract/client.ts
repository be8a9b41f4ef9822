/**
 * The client end of a connection: used by the interface, the command line and tests. Runs in browsers.
 */
import type { Connection } from './connection.ts';
import { CairnError, type Failure } from './errors.ts';
import type { EventName, MethodName, ParamsOf, PayloadOf, ResultOf } from './methods.ts';
import { serviceMessage, type ClientMessage } from './protocol.ts';

export interface CallOptions {
  /** Aborting rejects the call at once with `cancelled` and tells the service to stop it. */
  signal?: AbortSignal;
}

export interface Client {
  /**
   * Calls a method of the contract.
   *
   * @throws CairnError with the code that the service gave; `io` where the connection closed; `cancelled` after an abort.
   */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options?: CallOptions): Promise<ResultOf<M>>;
  /** Calls the listener for every event of that name from now on; returns what ends it. */
  subscribe<E extends EventName>(event: E, listener: (payload: PayloadOf<E>) => void): () => void;
  /** Called once, when the connection has closed. */
  onClose(listener: (reason?: string) => void): void;
  close(reason?: string): void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: CairnError): void;
}

type Listener = (payload: unknown) => void;

function cancelled(): CairnError {
  return new CairnError('cancelled', 'the call was cancelled');
}

function asError(error: Failure): CairnError {
  return new CairnError(error.code, error.message, error.path === undefined ? {} : { path: error.path });
}

class ConnectionClient implements Client {
  readonly #connection: Connection;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<EventName, Set<Listener>>();
  readonly #closeListeners: ((reason?: string) => void)[] = [];
  #closed: CairnError | undefined;
  #nextId = 1;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onMessage((message) => this.#receive(message));
    connection.onClose((reason) => this.#end(reason));
  }

  call<M extends MethodName>(method: M, params: ParamsOf<M>, options: CallOptions = {}): Promise<ResultOf<M>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#closed) throw this.#closed;
      if (options.signal?.aborted) throw cancelled();
      const id = this.#nextId++;
      const onAbort = (): void => this.#abandon(id);
      const forget = (): void => options.signal?.removeEventListener('abort', onAbort);
      const settle = {
        resolve: (result: unknown) => (forget(), resolve(result)),
        reject: (error: CairnError) => (forget(), reject(error)),
      };
      this.#send({ verb: 'call', id, method, params });
      this.#pending.set(id, settle);
      options.signal?.addEventListener('abort', onAbort, { once: true });
    }) as Promise<ResultOf<M>>;
  }

  subscribe<E extends EventName>(event: E, listener: (payload: PayloadOf<E>) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set<Listener>();
    // A wrapper of its own for each subscription, so that one function may be subscribed twice.
    const entry: Listener = (payload) => listener(payload as PayloadOf<E>);
    this.#listeners.set(event, listeners.add(entry));
    if (listeners.size === 1) this.#send({ verb: 'subscribe', event });
    return () => {
      if (listeners.delete(entry) && listeners.size === 0) this.#send({ verb: 'unsubscribe', event });
    };
  }

  onClose(listener: (reason?: string) => void): void {
    if (this.#closed) listener(this.#closed.message);
    else this.#closeListeners.push(listener);
  }

  close(reason?: string): void {
    this.#connection.close(reason);
  }

  #send(message: ClientMessage): void {
    if (!this.#closed) this.#connection.send(message);
  }

  #abandon(id: number): void {
    this.#send({ verb: 'cancel', id });
    this.#settle(id)?.reject(cancelled());
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  /** What doesn't parse, and answers to calls that were given up, are dropped. */
  #receive(message: unknown): void {
    const checked = serviceMessage.safeParse(message);
    if (!checked.success) return;
    const told = checked.data;
    if (told.verb === 'answer') this.#settle(told.id)?.resolve(told.result);
    else if (told.verb === 'event') for (const listener of [...(this.#listeners.get(told.event) ?? [])]) listener(told.payload);
    else if (told.id !== undefined) this.#settle(told.id)?.reject(asError(told.error));
  }

  #end(reason?: string): void {
    this.#closed = new CairnError('io', reason ?? 'the connection to the service is closed; open it again');
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(this.#closed);
    for (const listener of this.#closeListeners.splice(0)) listener(reason);
  }
}

/** A client over a connection, which it owns from now on. */
export function createClient(connection: Connection): Client {
  return new ConnectionClient(connection);
}
