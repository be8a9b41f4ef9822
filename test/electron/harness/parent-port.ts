/** Loaded into a child process before its own entry: what Electron puts on `process` in a utility process, over Node's own channel. */
import { EventEmitter } from 'node:events';
import { isMainThread } from 'node:worker_threads';
import type { FromParent, ToParent } from './utility-process.ts';

const tell = (message: ToParent): void => void process.send?.(message);

/** Messages wait until somebody listens. */
class Emitter extends EventEmitter {
  #waiting: unknown[] = [];
  #isStarted = false;

  start(): void {
    this.#isStarted = true;
    for (const event of this.#waiting.splice(0)) this.emit('message', event);
  }

  take(event: unknown): void {
    if (this.#isStarted) this.emit('message', event);
    else this.#waiting.push(event);
  }
}

class Port extends Emitter {
  readonly #id: number;

  constructor(id: number) {
    super();
    this.#id = id;
  }

  postMessage(data: unknown): void {
    tell({ kind: 'port', id: this.#id, data });
  }

  close(): void {
    tell({ kind: 'port-closed', id: this.#id });
    ports.delete(this.#id);
  }
}

class ParentPort extends Emitter {
  override on(name: string, listener: (...args: unknown[]) => void): this {
    super.on(name, listener);
    if (name === 'message') queueMicrotask(() => this.start());
    return this;
  }

  postMessage(data: unknown): void {
    tell({ kind: 'message', data });
  }
}

const ports = new Map<number, Port>();

function open(id: number): Port {
  const port = new Port(id);
  ports.set(id, port);
  return port;
}

function hear(parent: ParentPort, message: FromParent): void {
  if (message.kind === 'message') parent.take({ data: message.data, ports: message.ports.map(open) });
  else if (message.kind === 'port') ports.get(message.id)?.take({ data: message.data, ports: [] });
  else {
    ports.get(message.id)?.emit('close');
    ports.delete(message.id);
  }
}

if (isMainThread && process.send) {
  const parent = new ParentPort();
  Object.defineProperty(process, 'parentPort', { value: parent });
  process.on('message', (message: FromParent) => hear(parent, message));
  process.on('disconnect', () => process.exit());
}
