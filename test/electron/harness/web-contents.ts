/** webContents over a page of Chromium: navigation with its vetoes, the preload's world, messages and ports. */
import { EventEmitter } from 'node:events';
import type { CDPSession, Page, Request as PageRequest } from 'playwright-core';
import { patienceMs } from '../../patience.ts';
import { currentContext } from './chromium-context.ts';
import { invoke, type InvokeEvent } from './ipc.ts';
import { fromWeb, toWeb, watchNavigation } from './network.ts';
import { MovedPorts, type MessagePortMain } from './ports.ts';
import { preloadText } from './preload-text.ts';
import { applyPermissions } from './session.ts';
import { bindingName, mainWorldText, preloadWorldText, worldName } from './worlds.ts';

export interface OpenDetails {
  url: string;
}
type OpenHandler = (details: OpenDetails) => { action: 'allow' | 'deny' };
interface Context {
  id: number;
  name: string;
  auxData?: { frameId?: string };
}

/** An event that can be vetoed, with its details on it. */
export function vetoable<T extends object>(details: T): T & { defaultPrevented: boolean; preventDefault(): void } {
  const event = { ...details, defaultPrevented: false, preventDefault: (): void => void (event.defaultPrevented = true) };
  return event;
}

export class WebContents extends EventEmitter {
  static readonly all = new Set<WebContents>();

  readonly opened: Promise<Page>;
  /** Windows that the page asked for. */
  readonly windowsAskedFor: string[] = [];
  #page: Page | undefined;
  #cdp: CDPSession | undefined;
  #world: number | undefined;
  #openHandler: OpenHandler = () => ({ action: 'allow' });
  /** Set while the application itself navigates: that is not vetoed. */
  #isDirected = false;
  readonly #ports = new MovedPorts((id) => ({
    deliver: (data) => void this.#tell({ kind: 'port', id, data }),
    close: () => {
      void this.#tell({ kind: 'port-closed', id });
      this.#ports.forget(id);
    },
  }));

  constructor(preload: string | undefined) {
    super();
    WebContents.all.add(this);
    this.opened = this.#open(preload);
  }

  /** Of the page, for tests: everything that a user does is done there. */
  get page(): Page {
    if (!this.#page) throw new Error('the page is not open yet; await opened first');
    return this.#page;
  }

  getURL(): string {
    return this.#page ? fromWeb(this.#page.url()) : '';
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }

  async loadURL(address: string): Promise<void> {
    const page = await this.opened;
    await applyPermissions(currentContext(), this.#cdp!, address);
    await this.#direct(() => page.goto(toWeb(address)));
  }

  reload(): void {
    void this.#direct(() => this.page.reload());
  }

  postMessage(channel: string, message: unknown, transfer: MessagePortMain[] = []): void {
    this.#ports.move(transfer, (ports) => void this.#tell({ kind: 'event', channel, args: [message], ports }));
  }

  async close(): Promise<void> {
    await (await this.opened).close();
    this.#ports.closeAll();
    WebContents.all.delete(this);
  }

  /** Whether a navigation that the page began may go on. */
  allows(request: PageRequest): boolean {
    const isMainFrame = request.frame() === this.#page?.mainFrame();
    const url = fromWeb(request.url());
    if (!this.#isDirected) {
      const events = [...(isMainFrame ? ['will-navigate'] : []), 'will-frame-navigate'];
      for (const name of events) {
        const event = vetoable({ url, isMainFrame });
        this.emit(name, event);
        if (event.defaultPrevented) return false;
      }
    }
    if (isMainFrame) this.emit('did-start-navigation', { url, isMainFrame, isSameDocument: false });
    return true;
  }

  async #direct(go: () => Promise<unknown>): Promise<void> {
    this.#isDirected = true;
    try {
      await go();
    } finally {
      this.#isDirected = false;
    }
  }

  async #open(preload: string | undefined): Promise<Page> {
    const page = await currentContext().newPage();
    const cdp = await currentContext().newCDPSession(page);
    page.setDefaultTimeout(patienceMs);
    this.#page = page;
    this.#cdp = cdp;
    cdp.on('Runtime.executionContextCreated', ({ context }) => this.#enter(context));
    cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => this.#leave(executionContextId));
    cdp.on('Runtime.executionContextsCleared', () => this.#leave(this.#world));
    cdp.on('Runtime.bindingCalled', ({ payload }) => void this.#hear(payload));
    cdp.on('Page.windowOpen', ({ url }) => this.#askToOpen(url));
    page.on('popup', (popup) => void popup.close());
    page.on('load', () => this.emit('did-finish-load'));
    page.on('crash', () => this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 }));
    await cdp.send('Page.enable');
    await cdp.send('Runtime.enable');
    await cdp.send('Runtime.addBinding', { name: bindingName, executionContextName: worldName });
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: mainWorldText });
    if (preload !== undefined) {
      const source = preloadWorldText(await preloadText(preload));
      await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source, worldName });
    }
    return page;
  }

  /** A window that is allowed would open here; nothing of ours is, so the harness makes none and says so. */
  #askToOpen(address: string): void {
    const url = fromWeb(address);
    this.windowsAskedFor.push(url);
    if (this.#openHandler({ url }).action === 'allow') throw new Error(`the harness opens no second window, and ${url} was allowed`);
  }

  #enter({ id, name }: Context): void {
    if (name === worldName) this.#world = id;
  }

  #leave(id: number | undefined): void {
    if (id === undefined || id !== this.#world) return;
    this.#world = undefined;
    this.#ports.closeAll();
  }

  async #tell(message: unknown): Promise<void> {
    if (this.#world === undefined) return;
    const call = {
      functionDeclaration: '(text) => electronReceive(text)',
      executionContextId: this.#world,
      arguments: [{ value: JSON.stringify(message) }],
    };
    await this.#cdp!.send('Runtime.callFunctionOn', call).catch(() => undefined); // the page went on meanwhile
  }

  async #hear(payload: string): Promise<void> {
    const message = JSON.parse(payload) as { kind: string; id: number; channel: string; args: unknown[]; data?: unknown };
    if (message.kind === 'port') this.#ports.pass(message.id, message.data);
    else if (message.kind === 'port-closed') this.#ports.close(message.id);
    else await this.#answer(message);
  }

  async #answer({ id, channel, args }: { id: number; channel: string; args: unknown[] }): Promise<void> {
    const event: InvokeEvent = { sender: this, senderFrame: { url: this.getURL(), parent: null } };
    try {
      await this.#tell({ kind: 'settle', id, value: await invoke(channel, event, args) });
    } catch (thrown) {
      await this.#tell({ kind: 'settle', id, error: `Error invoking remote method '${channel}': ${String(thrown)}` });
    }
  }
}

watchNavigation((request) => {
  try {
    const page = request.frame().page();
    const contents = [...WebContents.all].find((candidate) => candidate.page === page);
    return contents?.allows(request) ?? false;
  } catch {
    return false; // a popup that has no frame yet: it is closed as soon as it has
  }
});
