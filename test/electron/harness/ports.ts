/** MessageChannelMain and MessagePortMain: linked ends in this process, each of which can move to a page or to a child process. */
import { EventEmitter } from 'node:events';

/** The place a port has moved to. */
export interface Elsewhere {
  deliver(message: unknown): void;
  close(): void;
}

export class MessagePortMain extends EventEmitter {
  #peer: MessagePortMain | undefined;
  #elsewhere: Elsewhere | undefined;
  #waiting: unknown[] = [];
  #isStarted = false;
  #isClosed = false;

  static link(one: MessagePortMain, other: MessagePortMain): void {
    one.#peer = other;
    other.#peer = one;
  }

  postMessage(message: unknown): void {
    if (this.#elsewhere) throw new Error('a port that was transferred can no longer be used here');
    this.pass(message);
  }

  start(): void {
    this.#isStarted = true;
    for (const message of this.#waiting.splice(0)) this.#take(message);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#peer?.lose();
    setImmediate(() => this.emit('close'));
  }

  /** Moves this end; what has arrived goes along. From now on `pass` is how messages come from there. */
  move(elsewhere: Elsewhere): void {
    if (this.#elsewhere) throw new Error('a port can be transferred only once');
    this.#elsewhere = elsewhere;
    for (const message of this.#waiting.splice(0)) elsewhere.deliver(message);
    if (this.#isClosed) elsewhere.close();
  }

  /** Gives a message to the other end. */
  pass(message: unknown): void {
    if (!this.#isClosed) this.#peer?.receive(structuredClone(message));
  }

  /** From the other end. */
  receive(message: unknown): void {
    if (this.#elsewhere) this.#elsewhere.deliver(message);
    else if (this.#isStarted) this.#take(message);
    else this.#waiting.push(message);
  }

  #take(data: unknown): void {
    setImmediate(() => this.emit('message', { data, ports: [] }));
  }

  /** The other end is closed. */
  lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#elsewhere) this.#elsewhere.close();
    else setImmediate(() => this.emit('close'));
  }
}

export class MessageChannelMain {
  readonly port1 = new MessagePortMain();
  readonly port2 = new MessagePortMain();

  constructor() {
    MessagePortMain.link(this.port1, this.port2);
  }
}

/** The ports that live at one place, by number. */
export class MovedPorts {
  readonly #ports = new Map<number, MessagePortMain>();
  readonly #elsewhere: (id: number) => Elsewhere;
  #next = 1;

  constructor(elsewhere: (id: number) => Elsewhere) {
    this.#elsewhere = elsewhere;
  }

  /** Reserves a number; the port moves when `announce` has told the place of it. */
  move(ports: readonly MessagePortMain[], announce: (ids: number[]) => void): void {
    const ids = ports.map(() => this.#next++);
    announce(ids);
    ports.forEach((port, index) => {
      const id = ids[index]!;
      this.#ports.set(id, port);
      port.move(this.#elsewhere(id));
    });
  }

  get open(): number {
    return this.#ports.size;
  }

  pass(id: number, message: unknown): void {
    this.#ports.get(id)?.pass(message);
  }

  close(id: number): void {
    this.#ports.get(id)?.close();
    this.#ports.delete(id);
  }

  /** The other end of a port was closed. */
  forget(id: number): void {
    this.#ports.delete(id);
  }

  /** The place is gone. */
  closeAll(): void {
    for (const id of [...this.#ports.keys()]) this.close(id);
  }
}
