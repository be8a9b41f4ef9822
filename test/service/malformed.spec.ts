/** The real service under 10,000 malformed messages over each connection: each is refused with a typed error, and nothing else happens. */
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Connection } from '../../core/contract/connection.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import { portConnection } from '../../core/contract/connections/port.ts';
import { socketConnection } from '../../core/contract/connections/socket.ts';
import { serviceMessage, type ServiceMessage } from '../../core/contract/protocol.ts';
import { startServer, type RunningServer } from '../../core/host/server.ts';
import { brokenFrames, clonedNonsense, malformed } from '../connections/malformed.ts';
import { Served } from './served.ts';

const count = 10_000;
let served: Served;
let server: RunningServer | undefined;
beforeEach(async () => void (served = await Served.open()));
afterEach(async () => {
  await server?.close();
  server = undefined;
  await served.release();
});

async function openSocket(): Promise<WebSocket> {
  server ??= await startServer({ serve: (connection) => served.service.serve(connection), port: 0, rendererFolder: '.' });
  const { origin, host, search } = new URL(server.url);
  const socket = new WebSocket(`ws://${host}/connection${search}`, { origin });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

const carriers: [string, () => Promise<Connection>][] = [
  [
    'in process',
    async () => {
      const [client, service] = inProcessPair();
      served.service.serve(service);
      return client;
    },
  ],
  [
    'a port',
    async () => {
      const { port1, port2 } = new MessageChannel();
      served.service.serve(portConnection(port2));
      return portConnection(port1);
    },
  ],
  ['a socket', async () => socketConnection(await openSocket())],
];

function collect(connection: Connection): ServiceMessage[] {
  const seen: ServiceMessage[] = [];
  connection.onMessage((message) => seen.push(serviceMessage.parse(message)));
  return seen;
}

async function expectUnharmed(): Promise<void> {
  expect(await served.client.call('service.about', {})).toMatchObject({ host: 'test' });
  expect((await served.client.call('jobs.list', {})).jobs).toEqual([]);
  expect(await served.client.call('sources.list', {})).toEqual({ sources: [] });
  expect(served.problems).toEqual([]);
}

function expectRefused(seen: readonly ServiceMessage[]): void {
  for (const message of seen) {
    expect(message).toMatchObject({ verb: 'failure', error: { code: 'bad_request' } });
    if (message.verb === 'failure') expect(message.error.message).not.toContain('\n');
  }
}

describe.each(carriers)('over %s', (_, connect) => {
  it(`${count} malformed messages are each refused, and the service is unharmed`, async () => {
    const connection = await connect();
    const seen = collect(connection);
    for (const message of malformed(count)) connection.send(message);
    await expect.poll(() => seen.length).toBe(count);
    expectRefused(seen);
    connection.close();
    await expectUnharmed();
  });
});

it('what a port clones and no text holds is refused', async () => {
  const { port1, port2 } = new MessageChannel();
  served.service.serve(portConnection(port2));
  const seen: unknown[] = [];
  port1.on('message', (message) => seen.push(message));
  const nonsense = clonedNonsense();
  for (const value of nonsense) port1.postMessage(value);
  await expect.poll(() => seen.length).toBe(nonsense.length);
  expectRefused(seen.map((message) => serviceMessage.parse(message)));
  port1.close();
  await expectUnharmed();
});

it('frames of a socket that are no JSON, or are bytes, are refused or end that connection alone', async () => {
  for (const frame of brokenFrames()) {
    const socket = await openSocket();
    const answered = new Promise<unknown>((resolve) => {
      socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString())));
      socket.once('close', () => resolve('closed'));
    });
    socket.send(frame);
    const answer = await answered;
    if (answer !== 'closed') expectRefused([serviceMessage.parse(answer)]);
    socket.terminate();
  }
  await expectUnharmed();
});
