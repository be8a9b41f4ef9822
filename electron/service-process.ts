/**
 * The service in its utility process: started, started again a few times where it ends by itself, and closed in order. It is
 * reached by ports only, one for each who speaks to it.
 */
import { MessageChannelMain, utilityProcess, type MessagePortMain, type UtilityProcess } from 'electron';
import { z } from 'zod';
import { failure, type Failure } from '../core/contract/errors.ts';
import { serviceFile } from './places.ts';

/** What the service says outside its ports. */
const fromService = z.discriminatedUnion('state', [
  z.object({ state: z.literal('ready') }),
  z.object({ state: z.literal('failed'), error: failure }),
  z.object({ state: z.literal('problem'), message: z.string() }),
  z.object({ state: z.literal('closed') }),
]);

/** How long it rests before the first, second and third start after an end; a fourth end within the window is the last. */
const restMs = [100, 500, 2000];
const windowMs = 60_000;
/** A job that is running stops at its next block. What takes longer than this is stuck. */
const closeWithinMs = 10_000;
const killWithinMs = 2_000;

export interface ServiceProcessOptions {
  /** Command line of the service, until `restart` gives it another: home and store. */
  args: string[];
  /** A process is up and serves ports; after a crash it is another one. */
  onReady(): void;
  /** It could not open its home, or ended too often. Nothing more happens until `start` is called. */
  onFailed(failure: Failure): void;
  /** One line for whoever reads the log. */
  onProblem(message: string): void;
}

/** Node and Electron take orders from the environment; a service takes none. */
function serviceEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(NODE_OPTIONS|ELECTRON_)/.test(entry[0]),
  );
  return Object.fromEntries(entries);
}

export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  #args: string[];
  #child: UtilityProcess | undefined;
  #ready = false;
  #wanted = false;
  #power: { onBattery: boolean } | undefined;
  #ends: number[] = [];
  #rest: NodeJS.Timeout | undefined;

  constructor(options: ServiceProcessOptions) {
    this.#options = options;
    this.#args = options.args;
  }

  /** Whether ports are served now. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Starts the process where it isn't running. */
  start(): void {
    clearTimeout(this.#rest);
    this.#wanted = true;
    if (this.#child) return;
    const child = utilityProcess.fork(serviceFile, this.#args, { serviceName: 'Cairn service', env: serviceEnvironment() });
    this.#child = child;
    child.on('message', (message: unknown) => this.#hear(child, message));
    child.on('exit', (code) => this.#ended(child, code));
  }

  /** The near end of a new connection to the running process. Call it only while `ready`. */
  connect(): MessagePortMain {
    const { port1, port2 } = new MessageChannelMain();
    this.#child?.postMessage('connect', [port2]);
    return port1;
  }

  /** Passed on to the process that runs, and to every later one when it is ready. */
  tellPower(power: { onBattery: boolean }): void {
    this.#power = power;
    if (this.#ready) this.#child?.postMessage({ power });
  }

  /** Lets jobs stop at a safe point and the store be let go, then ends the process. Comes back in any case. */
  async close(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#rest);
    const child = this.#child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      const timers = [setTimeout(() => child.kill(), closeWithinMs), setTimeout(resolve, closeWithinMs + killWithinMs)];
      child.once('exit', () => {
        timers.forEach(clearTimeout);
        resolve();
      });
      child.postMessage('close');
    });
  }

  /** Closes it in order and starts it with another home or store. */
  async restart(args: string[]): Promise<void> {
    await this.close();
    this.#args = args;
    this.start();
  }

  #hear(child: UtilityProcess, message: unknown): void {
    const told = fromService.safeParse(message);
    if (!told.success || child !== this.#child) return;
    if (told.data.state === 'problem') this.#options.onProblem(told.data.message);
    else if (told.data.state === 'closed') child.kill();
    else if (told.data.state === 'failed') this.#giveUp(told.data.error);
    else {
      this.#ready = true;
      if (this.#power) child.postMessage({ power: this.#power });
      this.#options.onReady();
    }
  }

  #ended(child: UtilityProcess, code: number): void {
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#ready = false;
    if (!this.#wanted) return;
    const now = performance.now();
    this.#ends = [...this.#ends.filter((end) => now - end < windowMs), now];
    this.#options.onProblem(`the service process ended by itself (code ${code})`);
    const restFor = restMs[this.#ends.length - 1];
    if (restFor !== undefined) this.#rest = setTimeout(() => this.start(), restFor);
    else
      this.#giveUp({ code: 'internal', message: `The service process ended ${this.#ends.length} times within a minute; please report it` });
  }

  #giveUp(error: Failure): void {
    const child = this.#child;
    this.#child = undefined;
    this.#ready = false;
    this.#wanted = false;
    this.#ends = [];
    child?.kill();
    this.#options.onFailed(error);
  }
}
