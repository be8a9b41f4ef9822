/** utilityProcess as a child process of Node. The entry and everything it does is real; that Electron hosts it is not. */
import { fork, type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MovedPorts, type MessagePortMain } from './ports.ts';

export type FromParent =
  { kind: 'message'; data: unknown; ports: number[] } | { kind: 'port'; id: number; data: unknown } | { kind: 'port-closed'; id: number };
export type ToParent =
  { kind: 'message'; data: unknown } | { kind: 'port'; id: number; data: unknown } | { kind: 'port-closed'; id: number };

const bootstrap = fileURLToPath(new URL('./parent-port.ts', import.meta.url));

interface ForkOptions {
  env?: Record<string, string>;
  serviceName?: string;
}

export class UtilityProcess extends EventEmitter {
  /** Every one that was started, for tests. */
  static readonly all: UtilityProcess[] = [];

  readonly serviceName: string;
  /** Every message that it sent outside its ports. */
  readonly heard: unknown[] = [];
  readonly #child: ChildProcess;
  readonly #ports = new MovedPorts((id) => ({
    deliver: (data) => this.#tell({ kind: 'port', id, data }),
    close: () => {
      this.#tell({ kind: 'port-closed', id });
      this.#ports.forget(id);
    },
  }));

  constructor(modulePath: string, args: string[], options: ForkOptions) {
    super();
    this.serviceName = options.serviceName ?? 'Node Utility Process';
    this.#child = fork(modulePath, args, {
      execArgv: ['--import', bootstrap],
      serialization: 'advanced',
      env: options.env ?? process.env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: ToParent) => this.#hear(message));
    this.#child.on('exit', (code) => this.#end(code ?? 1));
    UtilityProcess.all.push(this);
  }

  /** How many ports it holds that are open. */
  get openPorts(): number {
    return this.#ports.open;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  postMessage(data: unknown, transfer: MessagePortMain[] = []): void {
    this.#ports.move(transfer, (ports) => this.#tell({ kind: 'message', data, ports }));
  }

  kill(): boolean {
    return this.#child.kill();
  }

  /** Lets a process that a test has frozen go on. */
  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** What no process survives, for tests of crashes. */
  crash(): void {
    this.#child.kill('SIGKILL');
  }

  #tell(message: FromParent): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #hear(message: ToParent): void {
    if (message.kind === 'port') this.#ports.pass(message.id, message.data);
    else if (message.kind === 'port-closed') this.#ports.close(message.id);
    else {
      this.heard.push(message.data);
      this.emit('message', message.data);
    }
  }

  #end(code: number): void {
    this.#ports.closeAll();
    this.emit('exit', code);
  }
}

export const utilityProcess = {
  fork: (modulePath: string, args: string[] = [], options: ForkOptions = {}): UtilityProcess =>
    new UtilityProcess(modulePath, args, options),
};
