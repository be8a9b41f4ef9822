/**
 * Chromium's network as Electron's session has it: the application's own schemes are answered by its handlers, at an https origin that
 * stands for each; tests may add pages of foreign origins; nothing else leaves the machine.
 */
import type { BrowserContext, Request as PageRequest, Route } from 'playwright-core';

type Handler = (request: Request) => Promise<Response> | Response;

const suffix = '.electron.test';
const handlers = new Map<string, Handler>();
const privileged = new Set<string>();
const foreign = new Map<string, string>();

/** Addresses that pages asked for and that were refused, in order. */
export const refused: string[] = [];
let onNavigation: (request: PageRequest) => boolean = () => true;

/** `scheme://host/path` as the https address that stands for it. */
export function toWeb(address: string): string {
  const parts = /^([\w-]+):\/\/([\w.-]+)(\/.*)?$/.exec(address);
  return parts && handlers.has(parts[1]!) ? `https://${parts[2]!}.${parts[1]!}${suffix}${parts[3] ?? '/'}` : address;
}

/** The address as the application knows it. */
export function fromWeb(address: string): string {
  const parts = /^https:\/\/([\w.-]+)\.([\w-]+)\.electron\.test(\/.*)?$/.exec(address);
  return parts ? `${parts[2]!}://${parts[1]!}${parts[3] ?? '/'}` : address;
}

/** Puts a page where any web page could be. */
export function addForeignPage(address: string, html: string): void {
  foreign.set(address, html);
}

/** @param decide whether a navigation may go on */
export function watchNavigation(decide: (request: PageRequest) => boolean): void {
  onNavigation = decide;
}

async function answerOwn(route: Route, handler: Handler): Promise<void> {
  const request = new Request('https://placeholder/', { method: route.request().method() });
  const address = fromWeb(route.request().url());
  const response = await handler(
    new Proxy(request, { get: (target, key) => (key === 'url' ? address : (Reflect.get(target, key) as unknown)) }),
  );
  const body = Buffer.from(await response.arrayBuffer());
  await route.fulfill({ status: response.status, headers: Object.fromEntries(response.headers), body });
}

async function answer(route: Route): Promise<void> {
  const request = route.request();
  if (request.isNavigationRequest() && !onNavigation(request)) {
    refused.push(fromWeb(request.url()));
    return route.abort('aborted');
  }
  const address = fromWeb(request.url());
  const handler = handlers.get(address.slice(0, address.indexOf(':')));
  const html = foreign.get(address);
  if (handler) return answerOwn(route, handler);
  if (html !== undefined) return route.fulfill({ contentType: 'text/html', body: html });
  refused.push(address);
  return route.abort('blockedbyclient');
}

/** Takes over every request of a context. */
export async function takeNetwork(context: BrowserContext): Promise<void> {
  await context.route('**/*', (route) => answer(route).catch(() => undefined)); // the page may be gone by now
}

let isReady = (): boolean => false;
export function whenSchemesClose(ready: () => boolean): void {
  isReady = ready;
}

export const protocol = {
  registerSchemesAsPrivileged(schemes: { scheme: string; privileges?: { standard?: boolean; secure?: boolean } }[]): void {
    if (isReady()) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    for (const { scheme, privileges } of schemes) if (privileges?.standard && privileges.secure) privileged.add(scheme);
  },
  handle(scheme: string, handler: Handler): void {
    if (!isReady()) throw new Error('protocol.handle needs the app to be ready');
    if (!privileged.has(scheme)) throw new Error(`${scheme} was not registered as standard and secure: an https origin can't stand for it`);
    handlers.set(scheme, handler);
  },
};
