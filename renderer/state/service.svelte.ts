/**
 * The one way from the views to the service. Keeps the connection: a lost one is announced and tried again, and
 * whoever shows something is told when it is back.
 */
import { createClient, type CallOptions, type Client } from '../../core/contract/client.ts';
import { CairnError, toCairnError } from '../../core/contract/errors.ts';
import type { EventName, MethodName, ParamsOf, PayloadOf, ResultOf } from '../../core/contract/methods.ts';
import { openConnection } from '../bridge/connect.ts';
import { text } from '../ui/text.ts';

type Status = 'connecting' | 'connected' | 'lost';
const retryMs = [500, 1000, 2000, 4000, 8000];

class Service {
  #client: Client | undefined;
  #status = $state<Status>('connecting');
  #reason = $state('');
  #tries = 0;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<{ event: EventName; listener: (payload: never) => void; end?: () => void }>();
  readonly #arrivals = new Set<() => void>();
  about = $state.raw<ResultOf<'service.about'> | undefined>();

  get status(): Status {
    return this.#status;
  }

  /** Why the connection was lost, in the other end's words. */
  get reason(): string {
    return this.#reason;
  }

  async connect(): Promise<void> {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    try {
      const client = createClient(await openConnection());
      if (attempt === this.#attempt) this.#adopt(client);
      else client.close();
    } catch (thrown) {
      if (attempt === this.#attempt) this.#lose(toCairnError(thrown).message);
    }
  }

  /**
   * Calls a method of the contract.
   *
   * @throws CairnError as the service gave it; `io` while there is no connection.
   */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options?: CallOptions): Promise<ResultOf<M>> {
    if (!this.#client) return Promise.reject(new CairnError('io', text.connection.absent));
    return this.#client.call(method, params, options);
  }

  /** Listens for an event across reconnections; returns what ends it. */
  on<E extends EventName>(event: E, listener: (payload: PayloadOf<E>) => void): () => void {
    const entry: { event: EventName; listener: (payload: never) => void; end?: () => void } = { event, listener };
    this.#listeners.add(entry);
    if (this.#client) entry.end = this.#client.subscribe(event, listener);
    return () => {
      entry.end?.();
      this.#listeners.delete(entry);
    };
  }

  /** Calls the listener now, if there is a connection, and each time there is a new one; returns what ends it. */
  whenConnected(listener: () => void): () => void {
    this.#arrivals.add(listener);
    if (this.#client) listener();
    return () => this.#arrivals.delete(listener);
  }

  #adopt(client: Client): void {
    this.#client = client;
    this.#tries = 0;
    this.#status = 'connected';
    client.onClose((reason) => this.#client === client && this.#lose(reason ?? ''));
    for (const entry of this.#listeners) entry.end = client.subscribe(entry.event, entry.listener as (payload: unknown) => void);
    for (const arrival of [...this.#arrivals]) arrival();
    client.call('service.about', {}).then(
      (about) => (this.about = about),
      () => undefined, // the close that follows is announced by itself
    );
  }

  #lose(reason: string): void {
    this.#client = undefined;
    for (const entry of this.#listeners) entry.end = undefined;
    this.#status = 'lost';
    this.#reason = reason;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.connect(), retryMs[Math.min(this.#tries++, retryMs.length - 1)]);
  }
}

export const service = new Service();
