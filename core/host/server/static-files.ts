/**
 * The renderer's files over HTTP. A path is believed only where each of its parts is a plain name, so nothing outside the
 * folder can be named; links are not followed.
 */
import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

/** Vite puts a hash of the content into the names of everything below assets/. */
const hashedName = /^assets\/.*[-.][\w-]{8,}\.\w+$/;
const plainName = /^[\w-][\w.-]*$/;

/** The file that a URL path names, "/" between parts, or undefined where it names none. */
export function fileNameOf(urlPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  const name = decoded === '/' ? 'index.html' : decoded.slice(1);
  return name.split('/').every((part) => plainName.test(part)) ? name : undefined;
}

/** What every answer carries. `host` is the checked Host header; `token` never leaves in a referrer. */
export function securityHeaders(host: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'Content-Security-Policy': policy.join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
}

/** Answers with a status and one line of text. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }).end(`${message}\n`);
}

/** Answers a GET or HEAD with a file of the folder. */
export async function serveFile(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET and HEAD are answered here');
  }
  const name = fileNameOf((request.url ?? '/').split(/[?#]/, 1)[0]!);
  const file = name === undefined ? undefined : path.join(folder, name);
  const found = file === undefined ? undefined : await lstat(file).catch(() => undefined);
  if (name === undefined || file === undefined || !found?.isFile()) return refuse(response, 404, missing(name));
  response.writeHead(200, {
    'Content-Type': types[path.extname(name)] ?? 'application/octet-stream',
    'Content-Length': found.size,
    'Cache-Control': hashedName.test(name) ? 'public, max-age=31536000, immutable' : 'no-store',
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response).catch(() => response.destroy());
}

function missing(name: string | undefined): string {
  return name === 'index.html' ? 'the interface is not built; run: npm run build' : 'no such file';
}
