/**
 * Finds the way to the service: the port that the desktop's preload hands over, or else a web socket to the page's
 * own origin with the token from its address.
 */
import type { Connection } from '../../core/contract/connection.ts';
import { portConnection } from '../../core/contract/connections/port.ts';
import { openSocketConnection } from '../../core/contract/connections/socket.ts';
import { shell } from './shell.ts';
import { takeToken } from './token.ts';

/** The address of the service's socket, below the page's own address. */
export function socketAddress(page: string, token: string | undefined): string {
  const address = new URL('/connection', page);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  if (token !== undefined) address.searchParams.set('token', token);
  return address.href;
}

let kept: MessagePort | undefined;
let waiting: ((port: MessagePort) => void) | undefined;

/** Ports may arrive before anybody asks for one, so the page listens from the start. */
export function listenForPorts(): void {
  window.addEventListener('message', (event) => {
    const port = event.ports[0];
    if (event.source !== window || port === undefined || shell() === undefined) return;
    const next = waiting;
    waiting = undefined;
    if (next) next(port);
    else kept = port;
  });
}

/** The newest port that nobody has taken, or the next to come. Who asks again gives up the earlier wait. */
function nextPort(): Promise<MessagePort> {
  const port = kept;
  kept = undefined;
  return port ? Promise.resolve(port) : new Promise((resolve) => (waiting = resolve));
}

/**
 * Opens a connection to the service.
 *
 * @throws CairnError `io` where the service doesn't answer. A port is waited for: the shell sends one when it has one.
 */
export async function openConnection(): Promise<Connection> {
  if (shell()) return portConnection(await nextPort());
  return await openSocketConnection(new WebSocket(socketAddress(location.href, takeToken(window))));
}
