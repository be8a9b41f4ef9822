/** `app`: start, the single instance, and the order in which everything ends. */
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { whenSchemesClose } from './network.ts';
import { vetoable } from './web-contents.ts';

interface Closable {
  close(): void;
}

/** Applications of this process by profile. In Electron they would be processes. */
const kept = globalThis as { electronHarnessInstances?: Map<string, App> };
const instances = (kept.electronHarnessInstances ??= new Map());

export class App extends EventEmitter {
  isPackaged = false;
  /** Schemes whose links the system was asked to pass to this application, and how. */
  readonly protocolClients: { scheme: string; program: string | undefined; words: string[] }[] = [];
  /** Names of the events so far, in order, without their details. */
  readonly history: string[] = [];
  /** Resolves with the exit code once everything has ended. */
  readonly ended: Promise<number>;
  readonly paths = new Map<string, string>();
  isSandboxed = false;
  readonly windows = new Set<Closable>();
  #resolveEnded: (code: number) => void = () => undefined;
  #resolveReady: () => void = () => undefined;
  #readiness: Promise<void>;
  #isReady = false;
  #isQuitting = false;
  #hasEnded = false;

  constructor() {
    super();
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#readiness = new Promise((resolve) => (this.#resolveReady = resolve));
    whenSchemesClose(() => this.#isReady);
  }

  override emit(name: string | symbol, ...args: unknown[]): boolean {
    this.history.push(String(name));
    return super.emit(name, ...args);
  }

  /** Called by the harness once the main script has run, as Electron does. */
  becomeReady(): void {
    if (this.#hasEnded) return;
    this.#isReady = true;
    this.emit('ready');
    this.#resolveReady();
  }

  isReady(): boolean {
    return this.#isReady;
  }

  whenReady(): Promise<void> {
    return this.#readiness;
  }

  enableSandbox(): void {
    if (this.#isReady) throw new Error('app.enableSandbox() can only be called before app is ready');
    this.isSandboxed = true;
  }

  /** How many things ask for the user, as docks show it. */
  badge = 0;

  setBadgeCount(count: number): boolean {
    this.badge = count;
    return true;
  }

  getVersion(): string {
    return (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
  }

  getPath(name: string): string {
    const found = this.paths.get(name);
    if (found === undefined) throw new Error(`Failed to get '${name}' path`);
    return found;
  }

  setPath(name: string, place: string): void {
    if (!path.isAbsolute(place)) throw new Error('Path must be absolute');
    if (!existsSync(place)) throw new Error(`Failed to set path: ${place} does not exist`);
    this.paths.set(name, place);
  }

  setAsDefaultProtocolClient(scheme: string, program?: string, words: string[] = []): boolean {
    this.protocolClients.push({ scheme, program, words });
    return true;
  }

  requestSingleInstanceLock(additional?: object): boolean {
    const profile = this.getPath('userData');
    const first = instances.get(profile);
    if (first === undefined || first === this) {
      instances.set(profile, this);
      return true;
    }
    first.emit('second-instance', vetoable({}), [...process.argv], process.cwd(), structuredClone(additional));
    return false;
  }

  quit(): void {
    if (this.#isQuitting || this.#hasEnded) return;
    const event = vetoable({});
    this.emit('before-quit', event);
    if (event.defaultPrevented) return;
    this.#isQuitting = true;
    for (const window of [...this.windows]) window.close();
    if (this.windows.size === 0) this.#leave();
  }

  exit(code: number): void {
    this.#hasEnded = true;
    this.#resolveEnded(code);
  }

  /** A window refused to close. */
  stay(): void {
    this.#isQuitting = false;
  }

  /** A window is gone. */
  forget(window: Closable): void {
    this.windows.delete(window);
    if (this.windows.size > 0) return;
    if (this.#isQuitting) this.#leave();
    else if (this.listenerCount('window-all-closed') > 0) this.emit('window-all-closed');
    else this.quit();
  }

  #leave(): void {
    const event = vetoable({});
    this.emit('will-quit', event);
    this.#isQuitting = false;
    if (event.defaultPrevented) return;
    this.#hasEnded = true;
    this.emit('quit', {}, 0);
    for (const [profile, holder] of instances) if (holder === this) instances.delete(profile);
    this.#resolveEnded(0);
  }
}

export const app = new App();
