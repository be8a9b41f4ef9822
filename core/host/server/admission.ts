/**
 * Who may speak to the server. It listens on the loopback only, but every page in a browser and every user of the
 * machine can reach that: so the Host must be a loopback name with our port (against names rebound to 127.0.0.1), the Origin,
 * which browsers always send with a WebSocket, our own, and the token the one that was printed.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];
const defaultHttpPort = 80;

export interface Refusal {
  status: number;
  message: string;
}

/** The Host header where it names this server, else undefined. */
export function ownHost(request: IncomingMessage, port: number): string | undefined {
  const host = request.headers.host?.toLowerCase();
  const own = loopbackNames.flatMap((name) => [`${name}:${port}`, ...(port === defaultHttpPort ? [name] : [])]);
  return host !== undefined && own.includes(host) ? host : undefined;
}

/** Equal, in a time that does not depend on where they differ. */
export function sameToken(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Why a WebSocket may not be opened, or undefined where it may. */
export function refusalOf(request: IncomingMessage, port: number, token: string): Refusal | undefined {
  const host = ownHost(request, port);
  if (host === undefined) return { status: 421, message: 'this server answers to 127.0.0.1 and localhost with its own port only' };
  const { origin } = request.headers;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`)
    return { status: 403, message: 'pages of another origin may not connect' };
  const url = URL.parse(request.url ?? '', `http://${host}`);
  if (url?.pathname !== '/connection') return { status: 404, message: 'connections are made at /connection' };
  if (!sameToken(url.searchParams.get('token') ?? '', token))
    return { status: 401, message: 'the token is missing or wrong; open the whole address that was printed' };
  return undefined;
}
