/**
 * The service behind a loopback HTTP server: the renderer's files, and the protocol over a WebSocket at /connection.
 * For training boxes (`cairn serve` and an SSH tunnel) and for machines without Electron's runtime.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, STATUS_CODES, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Connection } from '../contract/connection.ts';
import { socketConnection } from '../contract/connections/socket.ts';
import { CairnError, toCairnError } from '../contract/errors.ts';
import { maxMessageBytes } from '../contract/protocol.ts';
import { ownHost, refusalOf, type Refusal } from './server/admission.ts';
import { refuse, securityHeaders, serveFile } from './server/static-files.ts';

const tokenBytes = 32;
const maxSockets = 64;
const pingMs = 30_000;
/** How long a closing server waits for browsers to answer the close before it cuts them off. */
const closingMs = 500;

const builtRenderer = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/renderer' : './renderer', import.meta.url));

export interface ServerOptions {
  /** Takes over a connection that was let in. */
  serve(connection: Connection): void;
  /** 0 takes any free one. */
  port: number;
  rendererFolder?: string;
}

export interface RunningServer {
  port: number;
  /** With the token: whoever has it has the service. */
  url: string;
  close(): Promise<void>;
}

function turnAway(socket: Duplex, { status, message }: Refusal): void {
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

async function listen(http: Server, port: number): Promise<number> {
  try {
    http.listen(port, '127.0.0.1');
    await once(http, 'listening');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw toCairnError(thrown);
    throw new CairnError('exists', `port ${port} is in use; choose another with --port, or 0 for any`, { cause: thrown });
  }
  return (http.address() as AddressInfo).port;
}

/** Cuts off peers that no longer answer: a tunnel that broke leaves its socket half open. */
function keepAlive(sockets: WebSocketServer): NodeJS.Timeout {
  const silent = new WeakSet<WebSocket>();
  sockets.on('connection', (socket) => socket.on('pong', () => silent.delete(socket)));
  const ping = (): void => {
    for (const socket of sockets.clients) {
      if (silent.has(socket)) socket.terminate();
      else socket.ping();
      silent.add(socket);
    }
  };
  return setInterval(ping, pingMs).unref();
}

async function closeSockets(sockets: WebSocketServer): Promise<void> {
  const gone = [...sockets.clients].map((socket) => once(socket, 'close'));
  for (const socket of sockets.clients) socket.close(1001, 'the service is closing');
  await Promise.race([Promise.all(gone), new Promise((resolve) => setTimeout(resolve, closingMs).unref())]);
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
}

/**
 * Starts listening on 127.0.0.1.
 *
 * @throws CairnError `exists` where the port is in use, `denied` where it may not be used.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const token = randomBytes(tokenBytes).toString('base64url');
  const folder = options.rendererFolder ?? builtRenderer;
  const http = createServer();
  const port = await listen(http, options.port);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
  const pings = keepAlive(sockets);

  http.on('request', (request, response) => {
    const host = ownHost(request, port);
    if (host === undefined) return refuse(response, 421, 'this server answers to 127.0.0.1 and localhost with its own port only');
    for (const [name, value] of Object.entries(securityHeaders(host))) response.setHeader(name, value);
    serveFile(folder, request, response).catch(() => response.destroy());
  });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal =
      refusalOf(request, port, token) ??
      (sockets.clients.size < maxSockets ? undefined : { status: 503, message: 'too many connections; close some pages' });
    if (refusal) return turnAway(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (opened) => {
      sockets.emit('connection', opened, request);
      options.serve(socketConnection(opened));
    });
  });

  const close = async (): Promise<void> => {
    clearInterval(pings);
    await closeSockets(sockets);
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { port, url: `http://127.0.0.1:${port}/?token=${token}`, close };
}
