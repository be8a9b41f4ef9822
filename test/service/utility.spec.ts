/** The service of the desktop: what the shell sends to the utility process and hears from it, over real ports. */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type Client } from '../../core/contract/client.ts';
import { portConnection } from '../../core/contract/connections/port.ts';
import type { ToShell } from '../../core/host/utility.ts';

/** The one thing of Electron that a utility process has: a port to its parent on `process`. */
class ParentPort extends EventEmitter {
  readonly told: ToShell[] = [];
  postMessage(message: ToShell): void {
    this.told.push(message);
    this.emit(message.state);
  }
}

let folder: string;
let parent: ParentPort;
const argv = process.argv;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cairn-utility-'));
  parent = new ParentPort();
  Object.assign(process, { parentPort: parent });
  process.argv = [...argv.slice(0, 2), '--home', path.join(folder, 'home'), '--store', path.join(folder, 'store')];
  vi.resetModules();
});

afterEach(async () => {
  process.argv = argv;
  Object.assign(process, { parentPort: undefined });
  await rm(folder, { recursive: true });
});

function connectWindow(): Client {
  const { port1, port2 } = new MessageChannel();
  parent.emit('message', { data: 'connect', ports: [port2] });
  return createClient(portConnection(port1));
}

describe('the utility process', () => {
  it('serves every window that the shell connects, those that come early too, and closes when told', async () => {
    const ready = once(parent, 'ready');
    await import('../../core/host/utility.ts');
    const windows = [connectWindow(), connectWindow()];
    const answers = await Promise.all(windows.map((client) => client.call('service.about', {})));
    expect(answers).toMatchObject([
      { host: 'desktop', home: path.join(folder, 'home'), store: path.join(folder, 'store') },
      { host: 'desktop' },
    ]);
    await ready;
    const changed = new Promise((resolve) => windows[1]!.subscribe('catalogue.changed', resolve));
    await windows[0]!.call('sources.add', { path: folder });
    expect(await changed).toEqual({});
    const gone = Promise.all(windows.map((client) => new Promise((resolve) => client.onClose(resolve))));
    const closed = once(parent, 'closed');
    parent.emit('message', { data: 'close', ports: [] });
    await closed;
    await gone;
    expect(parent.told.map(({ state }) => state)).toEqual(['ready', 'closed']);
  });

  it('says why it could not start', async () => {
    await writeFile(path.join(folder, 'home'), 'a file where the folder should be');
    const failed = once(parent, 'failed');
    await import('../../core/host/utility.ts');
    await failed;
    expect(parent.told).toMatchObject([
      { state: 'failed', error: { code: expect.any(String) as string, message: expect.stringContaining('home') as string } },
    ]);
  });
});
