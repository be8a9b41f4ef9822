/** The three carriers of the protocol, each as a pair of ends, for the suites that run over all of them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';
import type { Connection } from '../../core/contract/connection.ts';
import { inProcessPair } from '../../core/contract/connections/in-process.ts';
import { portConnection } from '../../core/contract/connections/port.ts';
import { openSocketConnection, socketConnection } from '../../core/contract/connections/socket.ts';

export interface Pair {
  client: Connection;
  service: Connection;
  release(): Promise<void>;
}

async function socketPair(): Promise<Pair> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const arrived = once(sockets, 'connection') as Promise<[WebSocket]>;
  const client = await openSocketConnection(new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`));
  const [socket] = await arrived;
  const release = async (): Promise<void> => {
    for (const open of sockets.clients) open.terminate();
    sockets.close();
    await new Promise((resolve) => http.close(resolve));
  };
  return { client, service: socketConnection(socket), release };
}

function portPair(): Pair {
  const { port1, port2 } = new MessageChannel();
  const client = portConnection(port1);
  return { client, service: portConnection(port2), release: () => Promise.resolve(client.close()) };
}

function plainPair(): Pair {
  const [client, service] = inProcessPair();
  return { client, service, release: () => Promise.resolve(client.close()) };
}

export const carriers: { name: string; connect(): Promise<Pair> }[] = [
  { name: 'in-process', connect: () => Promise.resolve(plainPair()) },
  { name: 'WebSocket', connect: socketPair },
  { name: 'MessagePort', connect: () => Promise.resolve(portPair()) },
];
