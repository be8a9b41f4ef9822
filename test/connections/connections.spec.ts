/** One behaviour, whatever carries the messages: what a connection promises, and what client and dispatcher make of it. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type Client } from '../../core/contract/client.ts';
import type { Connection } from '../../core/contract/connection.ts';
import { portConnection } from '../../core/contract/connections/port.ts';
import { CairnError } from '../../core/contract/errors.ts';
import { methods, type EventName, type PayloadOf } from '../../core/contract/methods.ts';
import { maxMessageBytes, serviceMessage, type ServiceMessage } from '../../core/contract/protocol.ts';
import { dispatch, type Handlers } from '../../core/service/dispatcher.ts';
import { malformed } from './malformed.ts';
import { carriers, type Pair } from './pairs.ts';

type Listener = <E extends EventName>(event: E, payload: PayloadOf<E>) => void;

/** Handlers of a service that only echoes: enough to see what arrives, when it is aborted, and how failures travel. */
class Echo {
  readonly aborted: unknown[] = [];
  readonly listeners = new Set<Listener>();
  started = 0;

  readonly handlers: Handlers = {
    ...(Object.fromEntries(
      Object.keys(methods).map((name) => [name, () => Promise.reject(new Error(`${name} was not expected`))]),
    ) as unknown as Handlers),
    'service.about': () => ({ version: '1', format: 1, host: 'test', implementation: 'none', threads: 1, store: '/s', home: '/h' }),
    'runs.list': (_params, signal) => {
      this.started += 1;
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => (this.aborted.push(signal.reason), reject(signal.reason as Error))),
      );
    },
    'runs.get': ({ id }) => Promise.reject(new CairnError('not_found', `no run ${id}`, { path: '/x' })),
    'snapshots.tensors': ({ snapshot, offset, limit }) => ({ total: offset + limit, tensors: [], snapshot }) as never,
    'jobs.list': () => ({ jobs: 'these are no jobs' }) as never,
  };

  listen = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  emit<E extends EventName>(event: E, payload: PayloadOf<E>): void {
    for (const listener of this.listeners) listener(event, payload);
  }
}

const failureOf = (promise: Promise<unknown>): Promise<CairnError> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as CairnError,
  );
const until = (holds: () => boolean): Promise<void> => expect.poll(holds, { interval: 1 }).toBe(true);

describe.each(carriers)('$name: a connection', ({ connect }) => {
  let pair: Pair;
  beforeEach(async () => (pair = await connect()));
  afterEach(() => pair.release());

  it('carries messages whole, in order, in both directions', async () => {
    const atService: unknown[] = [];
    const atClient: unknown[] = [];
    pair.service.onMessage((message) => (atService.push(message), pair.service.send({ back: message })));
    pair.client.onMessage((message) => atClient.push(message));
    const sent = Array.from({ length: 300 }, (_, index) => ({ index, text: `ä\u2028\u0000${'x'.repeat(index * 10)}` }));
    for (const message of sent) pair.client.send(message);
    await until(() => atClient.length === sent.length);
    expect(atService).toEqual(sent);
    expect(atClient).toEqual(sent.map((back) => ({ back })));
  });

  it('keeps messages until somebody listens', async () => {
    pair.client.send({ early: 1 });
    pair.client.send({ early: 2 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const seen: unknown[] = [];
    pair.service.onMessage((message) => seen.push(message));
    await until(() => seen.length === 2);
    expect(seen).toEqual([{ early: 1 }, { early: 2 }]);
  });

  it('never lets the receiver see the memory of the sender', async () => {
    const message = { deep: { list: [1] } };
    const seen: (typeof message)[] = [];
    pair.service.onMessage((arrived) => seen.push(arrived as typeof message));
    pair.client.send(message);
    message.deep.list.push(2);
    await until(() => seen.length === 1);
    expect(seen[0]).toEqual({ deep: { list: [1] } });
  });

  it.each(['client', 'service'] as const)('tells both ends once when the %s closes it', async (side) => {
    const told: string[] = [];
    for (const end of ['client', 'service'] as const) {
      pair[end].onMessage(() => {});
      pair[end].onClose(() => told.push(end));
    }
    pair[side].close('enough');
    pair[side].close('again');
    await until(() => told.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told.sort()).toEqual(['client', 'service']);
  });

  it('ignores what is sent after the close', async () => {
    const seen: unknown[] = [];
    pair.service.onMessage((message) => seen.push(message));
    pair.client.close();
    pair.client.send({ late: true });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(seen).toEqual([]);
  });
});

describe.each(carriers)('$name: client and dispatcher', ({ connect }) => {
  let pair: Pair;
  let echo: Echo;
  let client: Client;
  beforeEach(async () => {
    pair = await connect();
    echo = new Echo();
    dispatch(pair.service, echo.handlers, echo.listen, { checkResults: true });
    client = createClient(pair.client);
  });
  afterEach(() => pair.release());

  it('answers calls, each with its own result', async () => {
    const calls = Array.from({ length: 50 }, (_, offset) => client.call('snapshots.tensors', { snapshot: 'abcd', offset, limit: 5 }));
    expect((await Promise.all(calls)).map((result) => result.total)).toEqual(calls.map((_, offset) => offset + 5));
  });

  it('fills in the defaults of the contract', async () => {
    expect(await client.call('snapshots.tensors', { snapshot: 'abcd' })).toMatchObject({ total: 1000 });
  });

  it('brings failures across with code, message and path', async () => {
    expect(await failureOf(client.call('runs.get', { id: 'r9' }))).toMatchObject({ code: 'not_found', message: 'no run r9', path: '/x' });
  });

  it('turns what a handler throws unforeseen into an internal failure of one line', async () => {
    const error = await failureOf(client.call('sources.list', {}));
    expect(error.code).toBe('internal');
    expect(error.message).not.toContain('\n');
  });

  it('refuses parameters that do not fit, naming the member', async () => {
    expect(await failureOf(client.call('snapshots.tensors', { snapshot: 7 } as never))).toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('snapshot') as string,
    });
    expect(await failureOf(client.call('archive.start', { paths: [] }))).toMatchObject({ code: 'bad_request' });
  });

  it('notices a handler whose result does not fit the contract', async () => {
    expect(await failureOf(client.call('jobs.list', {}))).toMatchObject({
      code: 'internal',
      message: expect.stringContaining('jobs.list') as string,
    });
  });

  it('rejects an aborted call at once and aborts its handler', async () => {
    const controller = new AbortController();
    const call = failureOf(client.call('runs.list', {}, { signal: controller.signal }));
    await until(() => echo.started === 1);
    controller.abort();
    expect(await call).toMatchObject({ code: 'cancelled' });
    await until(() => echo.aborted.length === 1);
    expect(await failureOf(client.call('runs.list', {}, { signal: controller.signal }))).toMatchObject({ code: 'cancelled' });
    expect(echo.started).toBe(1);
  });

  it.each(['client', 'service'] as const)('ends running calls on both sides when the %s closes', async (side) => {
    const calls = [failureOf(client.call('runs.list', {})), failureOf(client.call('runs.list', {}))];
    await until(() => echo.started === 2);
    if (side === 'client') client.close();
    else pair.service.close('the service stops');
    expect((await Promise.all(calls)).map((error) => error.code)).toEqual(['io', 'io']);
    await until(() => echo.aborted.length === 2);
    expect(await failureOf(client.call('service.about', {}))).toMatchObject({ code: 'io' });
    await until(() => echo.listeners.size === 0);
  });

  it('passes events to subscribers only, and no longer than they want', async () => {
    const seen: string[][] = [];
    const end = client.subscribe('catalogue.changed', ({ runs }) => seen.push(runs ?? []));
    const endTwin = client.subscribe('catalogue.changed', ({ runs }) => seen.push(runs ?? []));
    await client.call('service.about', {});
    echo.emit('catalogue.changed', { runs: ['a'] });
    echo.emit('job.log', { id: 'j', line: { time: new Date().toISOString(), level: 'info', message: 'unasked' } });
    await until(() => seen.length === 2);
    end();
    echo.emit('catalogue.changed', { runs: ['b'] });
    await until(() => seen.length === 3);
    endTwin();
    endTwin();
    await client.call('service.about', {});
    echo.emit('catalogue.changed', { runs: ['c'] });
    await client.call('service.about', {});
    expect(seen).toEqual([['a'], ['a'], ['b']]);
  });

  it('refuses a call id that is in use without touching the first call, and more than 1000 calls at once', async () => {
    const { raw, failures } = await connectRaw();
    const call = (id: number): void => raw.client.send({ verb: 'call', id, method: 'runs.list', params: {} });
    call(1);
    call(1);
    await until(() => failures.length === 1);
    expect(failures[0]).toMatchObject({ verb: 'failure', error: { code: 'bad_request' } });
    expect(failures[0]).not.toHaveProperty('id');
    for (let id = 2; id <= 1001; id++) call(id);
    await until(() => failures.length === 2);
    expect(failures[1]).toMatchObject({ verb: 'failure', id: 1001, error: { code: 'bad_request' } });
    expect(echo.started).toBe(1000);
    await raw.release();
    await until(() => echo.aborted.length === 1000);
  });

  it('is not confused by a service that talks nonsense', async () => {
    const other = await connect();
    const wary = createClient(other.client);
    const events: unknown[] = [];
    wary.subscribe('catalogue.changed', (payload) => events.push(payload));
    const call = wary.call('service.about', {});
    for (const message of malformed(500)) other.service.send(message);
    for (const id of [0, 7, -1, '1', null]) other.service.send({ verb: 'answer', id, result: 'not yours' });
    other.service.send({ verb: 'failure', error: { code: 'internal', message: 'whose?' } });
    other.service.send({ verb: 'failure', id: 1, error: { code: 'no such code', message: 'x' } });
    other.service.send({ verb: 'event', event: 'no.such', payload: 1 });
    other.service.send({ verb: 'answer', id: 1, result: { version: 'right' } });
    expect(await call).toEqual({ version: 'right' });
    expect(events).toEqual([]);
    await other.release();
  });

  it('refuses 10,000 malformed messages and serves on', async () => {
    const refused = await sendMalformed(await connectRaw(), 10_000);
    expect(refused).toBe(10_000);
    expect(await client.call('service.about', {})).toMatchObject({ host: 'test' });
  });

  /** A second connection to the same handlers, without a client in the way. */
  async function connectRaw(): Promise<{ raw: Pair; failures: ServiceMessage[] }> {
    const raw = await connect();
    dispatch(raw.service, echo.handlers, echo.listen, { checkResults: true });
    const failures: ServiceMessage[] = [];
    raw.client.onMessage((message) => failures.push(serviceMessage.parse(message)));
    return { raw, failures };
  }

  async function sendMalformed({ raw, failures }: { raw: Pair; failures: ServiceMessage[] }, count: number): Promise<number> {
    for (const message of malformed(count)) raw.client.send(message);
    await until(() => failures.length >= count);
    await raw.release();
    const refusals = failures.filter(
      (message) => message.verb === 'failure' && message.error.code === 'bad_request' && !message.error.message.includes('\n'),
    );
    expect(echo.started).toBe(0);
    return refusals.length;
  }
});

describe('a WebSocket', () => {
  it('never sends a message over the limit: the caller gets a failure in its place', async () => {
    const pair = await carriers.find(({ name }) => name === 'WebSocket')!.connect();
    const echo = new Echo();
    const huge = { version: 'x'.repeat(maxMessageBytes), format: 1, host: '', implementation: '', threads: 1, store: '', home: '' };
    dispatch(pair.service, { ...echo.handlers, 'service.about': () => huge }, echo.listen);
    const client = createClient(pair.client);
    expect(await failureOf(client.call('service.about', {}))).toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('fewer rows') as string,
    });
    expect(await failureOf(client.call('runs.get', { id: 'x'.repeat(maxMessageBytes) }))).toMatchObject({ code: 'bad_request' });
    expect(await failureOf(client.call('runs.get', { id: 'r' }))).toMatchObject({ code: 'not_found' });
    await pair.release();
  });
});

describe('a port of the emitter kind', () => {
  it('is read through the data of its events, as Electron gives them', () => {
    class EmitterPort extends EventEmitter {
      posted: unknown[] = [];
      started = false;
      postMessage = (message: unknown): void => void this.posted.push(message);
      start = (): void => void (this.started = true);
      close = (): void => void this.emit('close');
    }
    const port = new EmitterPort();
    const connection: Connection = portConnection(port);
    const seen: unknown[] = [];
    let closes = 0;
    connection.onMessage((message) => seen.push(message));
    connection.onClose(() => (closes += 1));
    port.emit('message', { data: { verb: 'event' }, ports: [] });
    connection.send({ sent: 1 });
    connection.close();
    connection.send({ sent: 2 });
    expect({ started: port.started, seen, posted: port.posted, closes }).toEqual({
      started: true,
      seen: [{ verb: 'event' }],
      posted: [{ sent: 1 }],
      closes: 1,
    });
  });
});
