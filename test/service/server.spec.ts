/** The loopback server: what it serves and to whom, over real sockets. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Connection } from '../../core/contract/connection.ts';
import { openSocketConnection } from '../../core/contract/connections/socket.ts';
import { maxMessageBytes } from '../../core/contract/protocol.ts';
import { sameToken } from '../../core/host/server/admission.ts';
import { fileNameOf } from '../../core/host/server/static-files.ts';
import { startServer, type RunningServer } from '../../core/host/server.ts';

let folder: string;
let server: RunningServer;
const served: Connection[] = [];
const seen: unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cairn-server-'));
  const renderer = path.join(folder, 'renderer');
  await mkdir(path.join(renderer, 'assets'), { recursive: true });
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  await writeFile(path.join(renderer, 'index.html'), '<!doctype html><title>Cairn</title>');
  await writeFile(path.join(renderer, 'assets', 'index-B7xQ_z1a.js'), 'export {};');
  await writeFile(path.join(renderer, 'assets', 'plain.css'), 'a{}');
  await symlink(path.join(folder, 'secret.txt'), path.join(renderer, 'link.txt'));
  server = await startServer({ serve: take, port: 0, rendererFolder: renderer });
});

afterEach(() => {
  for (const connection of served.splice(0)) connection.close();
  seen.length = 0;
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

function take(connection: Connection): void {
  served.push(connection);
  connection.onMessage((message) => (seen.push(message), connection.send({ back: message })));
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request with the path exactly as written, which `fetch` would tidy. */
function get(rawPath: string, { host = `127.0.0.1:${server.port}`, method = 'GET' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port: server.port, host: '127.0.0.1', path: rawPath, method, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}

const socketUrl = (): URL => {
  const url = new URL(server.url);
  url.protocol = 'ws:';
  url.pathname = '/connection';
  return url;
};

/** The status that an upgrade is answered with: 101 where it is let in. */
function upgrade(url: URL, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on('open', () => (socket.close(), resolve(101)));
    socket.on('unexpected-response', (_request, response) => (response.resume(), resolve(response.statusCode ?? 0)));
    socket.on('error', reject);
  });
}

describe('files', () => {
  it('serves the page with a policy that allows no inline script, no framing and no guessing of types', async () => {
    const { status, headers, body } = await get('/?token=whatever');
    expect(status).toBe(200);
    expect(body).toContain('<title>Cairn</title>');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    const policy = headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('lets browsers keep hashed assets for ever, and nothing else', async () => {
    expect((await get('/assets/index-B7xQ_z1a.js')).headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect((await get('/assets/plain.css')).headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/css; charset=utf-8',
    });
  });

  it('answers HEAD without a body and refuses other methods', async () => {
    expect(await get('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await get('/', { method })).status).toBe(405);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/..\\secret.txt',
    '/%00',
    '/%',
    '//secret.txt',
    '/assets',
    '/link.txt',
    '/.hidden',
    '/nothing.js',
  ])('has nothing at %s', async (rawPath) => {
    const { status, body } = await get(rawPath);
    expect({ status, leaks: body.includes('secret') }).toEqual({ status: 404, leaks: false });
  });

  it('never names a file outside the folder', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webPath(),
          fc.array(fc.constantFrom('..', '.', '%2e', '%2f', '/', '\\', 'a', '\0')).map((parts) => `/${parts.join('')}`),
        ),
        (urlPath) => {
          const name = fileNameOf(urlPath);
          return name === undefined || (!path.isAbsolute(name) && !path.normalize(name).startsWith('..') && !name.includes('\0'));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('says what to do where the interface is not built', async () => {
    const empty = await startServer({ serve: take, port: 0, rendererFolder: path.join(folder, 'absent') });
    const answer = await fetch(empty.url);
    expect({ status: answer.status, text: await answer.text() }).toEqual({
      status: 404,
      text: 'the interface is not built; run: npm run build\n',
    });
    await empty.close();
  });
});

describe('admission', () => {
  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example', '0.0.0.0'])(
    'refuses pages asked for under the name %s',
    async (host) => {
      expect((await get('/', { host })).status).toBe(421);
      expect(await upgrade(socketUrl(), { host })).toBe(421);
    },
  );

  it('answers to every name of the loopback', async () => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])
      expect((await get('/', { host: `${name}:${server.port}` })).status).toBe(200);
  });

  it('lets in who has the token, from our own page or from no page', async () => {
    expect(await upgrade(socketUrl())).toBe(101);
    expect(await upgrade(socketUrl(), { origin: `http://127.0.0.1:${server.port}` })).toBe(101);
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1:1', ''])(
    'refuses the origin "%s" even with the token',
    async (origin) => {
      expect(await upgrade(socketUrl(), { origin })).toBe(403);
    },
  );

  it('refuses wrong, missing and nearly right tokens, and other paths', async () => {
    const wrong = socketUrl();
    const right = wrong.searchParams.get('token')!;
    for (const token of ['', 'x', right.slice(1), `${right}x`, right.toUpperCase()]) {
      wrong.searchParams.set('token', token);
      expect(await upgrade(wrong)).toBe(401);
    }
    wrong.search = '';
    expect(await upgrade(wrong)).toBe(401);
    const elsewhere = socketUrl();
    elsewhere.pathname = '/other';
    expect(await upgrade(elsewhere)).toBe(404);
  });

  it('gives every server a token of its own of 32 bytes', async () => {
    const other = await startServer({ serve: take, port: 0 });
    const tokens = [server, other].map(({ url }) => new URL(url).searchParams.get('token')!);
    await other.close();
    expect(tokens.map((token) => Buffer.from(token, 'base64url').length)).toEqual([32, 32]);
    expect(sameToken(tokens[0]!, tokens[1]!)).toBe(false);
  });

  it('listens on the loopback only', async () => {
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connect({ port: server.port, host: '127.0.0.2' });
      socket.on('connect', () => (socket.destroy(), resolve(true))).on('error', () => resolve(false));
    });
    expect(reached).toBe(false);
  });
});

describe('connections', () => {
  it('hands over a connection that carries messages', async () => {
    const connection = await openSocketConnection(new WebSocket(socketUrl()));
    const back = new Promise((resolve) => connection.onMessage(resolve));
    connection.send({ hello: 1 });
    expect(await back).toEqual({ back: { hello: 1 } });
    connection.close();
  });

  it('closes on a message over the limit, and goes on serving others', async () => {
    const socket = new WebSocket(socketUrl());
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    socket.send(' '.repeat(maxMessageBytes + 1));
    expect([1006, 1009]).toContain(await closed);
    expect(seen).toEqual([]);
    expect(await upgrade(socketUrl())).toBe(101);
  });

  it('passes binary and broken text on as something that no contract accepts', async () => {
    const socket = new WebSocket(socketUrl());
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(Buffer.from('{"verb":"call"}'));
    socket.send('{"verb":');
    await expect.poll(() => seen.length).toBe(2);
    expect(seen).toEqual([undefined, '{"verb":']);
    socket.close();
  });

  it('refuses to open a second server on the same port, in one line', async () => {
    await expect(startServer({ serve: take, port: server.port })).rejects.toMatchObject({
      code: 'exists',
      message: expect.stringContaining('--port') as string,
    });
  });

  it('closes with connections open, and tells them why', async () => {
    const closing = await startServer({ serve: take, port: 0 });
    const url = new URL(closing.url);
    const connection = await openSocketConnection(new WebSocket(`ws://127.0.0.1:${closing.port}/connection${url.search}`));
    const reason = new Promise((resolve) => connection.onClose(resolve));
    await closing.close();
    expect(await reason).toBe('the service is closing');
    await expect(fetch(closing.url)).rejects.toThrow();
  });

  it('cannot be connected to without a service: one clear line', async () => {
    await expect(openSocketConnection(new WebSocket('ws://127.0.0.1:1/'))).rejects.toMatchObject({ code: 'io' });
  });
});
