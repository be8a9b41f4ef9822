/**
 * The renderer's files under a scheme of our own: an origin that no web page can have, without file:// and its powers. A path is
 * believed only where each of its parts is a plain name, so nothing outside the folder can be named.
 */
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { protocol } from 'electron';

const scheme = 'cairn-app';
const host = 'app';
export const startPage = `${scheme}://${host}/index.html`;

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};
const plainName = /^[\w-][\w.-]*$/;

/** Nothing inline, nothing from elsewhere, no connection but the port. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'Content-Security-Policy': contentPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Whether an address is one of the application's own pages. */
export function isOwnAddress(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && url.protocol === `${scheme}:` && url.host === host;
}

/** Must be called before the application is ready. Module scripts are fetched with CORS, which a scheme has to be enabled for. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true } },
  ]);
}

/** The file of the folder that an address names, "/" between parts, or undefined where it names none. */
export function fileNameOf(address: string): string | undefined {
  if (!isOwnAddress(address)) return undefined;
  const name = new URL(address).pathname.slice(1) || 'index.html';
  return name.split('/').every((part) => plainName.test(part)) ? name : undefined;
}

function refusal(status: number, sentence: string): Response {
  return new Response(`${sentence}\n`, { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } });
}

/** Answers a request for a file of the folder. Never throws; links are not followed. */
export async function answer(folder: string, request: Pick<Request, 'url' | 'method'>): Promise<Response> {
  if (request.method !== 'GET') return refusal(405, 'only GET is answered here');
  const name = fileNameOf(request.url);
  if (name === undefined) return refusal(404, 'no such file');
  try {
    const file = path.join(folder, name);
    if (!(await lstat(file)).isFile()) return refusal(404, 'no such file');
    const type = types[path.extname(name)] ?? 'application/octet-stream';
    return new Response(new Uint8Array(await readFile(file)), { headers: { ...headers, 'Content-Type': type } });
  } catch {
    return refusal(404, name === 'index.html' ? 'the interface is not built; run: npm run build' : 'no such file');
  }
}

/** Serves the folder to every window. Called once the application is ready. */
export function serveRenderer(folder: string): void {
  protocol.handle(scheme, (request) => answer(folder, request));
}
