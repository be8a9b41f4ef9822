/**
 * What runs inside the page. Two worlds see one document: the page's own, where the exposed shell appears, and that of the preload,
 * which alone can speak to this process. They reach each other through events that are handled within the call that
 * dispatches them. The functions below are sent to the page as text, so they use nothing from outside themselves.
 */

/** Main world: makes what the preload exposes. */
function exposingWorld(): void {
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 1;
  const call = (key: string, name: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = next++;
      pending.set(id, { resolve, reject });
      dispatchEvent(new CustomEvent('electron-call', { detail: JSON.stringify({ id, key, name, args }) }));
    });
  addEventListener('electron-expose', (event) => {
    const { key, names } = JSON.parse((event as CustomEvent<string>).detail) as { key: string; names: string[] };
    const exposed = Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(key, name, args)]));
    Object.defineProperty(window, key, { value: Object.freeze(exposed), enumerable: true });
  });
  addEventListener('electron-settle', (event) => {
    const { id, value, error } = JSON.parse((event as CustomEvent<string>).detail) as { id: number; value?: unknown; error?: string };
    if (error === undefined) pending.get(id)?.resolve(value);
    else pending.get(id)?.reject(new Error(error));
    pending.delete(id);
  });
  // Electron tells a port that its other end is gone; Chromium alone does not. A word of our own says so, in both directions.
  const watch = (port: MessagePort): void => {
    const close = port.close.bind(port);
    port.addEventListener('message', (event: MessageEvent) => {
      if ((event.data as { electronPort?: string } | null)?.electronPort !== 'closed') return;
      event.stopImmediatePropagation();
      port.dispatchEvent(new Event('close'));
    });
    port.close = (): void => {
      port.postMessage({ electronPort: 'closed' });
      close();
    };
  };
  addEventListener('message', (event) => event.ports.forEach(watch));
}

/** The preload's world: contextBridge and ipcRenderer over one binding out and one function in. */
function preloadWorld(tellMain: (text: string) => void): unknown {
  type Listener = (event: { ports: MessagePort[] }, ...args: unknown[]) => void;
  type Exposed = Record<string, (...args: unknown[]) => Promise<unknown>>;
  const exposures = new Map<string, Exposed>();
  const listeners = new Map<string, Listener[]>();
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const ports = new Map<number, MessagePort>();
  const tell = (message: unknown): void => tellMain(JSON.stringify(message));
  let next = 1;

  const openPort = (id: number): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    ports.set(id, port1);
    port1.onmessage = (event: MessageEvent) => {
      const isClosed = (event.data as { electronPort?: string } | null)?.electronPort === 'closed';
      tell(isClosed ? { kind: 'port-closed', id } : { kind: 'port', id, data: event.data as unknown });
    };
    return port2;
  };
  const settle = ({ id, value, error }: { id: number; value?: unknown; error?: string }): void => {
    if (error === undefined) pending.get(id)?.resolve(value);
    else pending.get(id)?.reject(new Error(error));
    pending.delete(id);
  };
  const emit = ({ channel, args, ports: ids }: { channel: string; args: unknown[]; ports: number[] }): void => {
    const opened = ids.map(openPort);
    for (const listener of listeners.get(channel) ?? []) listener({ ports: opened }, ...args);
  };
  const closePort = (id: number): void => {
    ports.get(id)?.postMessage({ electronPort: 'closed' });
    ports.delete(id);
  };
  const receive = (text: string): void => {
    const message = JSON.parse(text) as { kind: string; id: number; data?: unknown; channel: string; args: unknown[]; ports: number[] };
    if (message.kind === 'settle') settle(message);
    else if (message.kind === 'event') emit(message);
    else if (message.kind === 'port') ports.get(message.id)?.postMessage(message.data);
    else closePort(message.id);
  };
  addEventListener('electron-call', (event) => {
    const { id, key, name, args } = JSON.parse((event as CustomEvent<string>).detail) as {
      id: number;
      key: string;
      name: string;
      args: unknown[];
    };
    const answer = (result: object): boolean =>
      dispatchEvent(new CustomEvent('electron-settle', { detail: JSON.stringify({ id, ...result }) }));
    Promise.resolve(exposures.get(key)?.[name]?.(...args)).then(
      (value) => answer({ value }),
      (thrown: Error) => answer({ error: thrown.message }),
    );
  });
  // A page can't see where a file lies; a test says it for the files that it drops, by name.
  let dropped: Record<string, string> = {};
  addEventListener('electron-dropped', (event) => (dropped = JSON.parse((event as CustomEvent<string>).detail) as Record<string, string>));
  Object.defineProperty(globalThis, 'electronReceive', { value: receive });
  return {
    webUtils: { getPathForFile: (file: File): string => dropped[file.name] ?? '' },
    contextBridge: {
      exposeInMainWorld: (key: string, exposed: Exposed): void => {
        exposures.set(key, exposed);
        dispatchEvent(new CustomEvent('electron-expose', { detail: JSON.stringify({ key, names: Object.keys(exposed) }) }));
      },
    },
    ipcRenderer: {
      invoke: (channel: string, ...args: unknown[]): Promise<unknown> =>
        new Promise((resolve, reject) => {
          const id = next++;
          pending.set(id, { resolve, reject });
          tell({ kind: 'invoke', id, channel, args });
        }),
      on: (channel: string, listener: Listener): void => void listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    },
  };
}

export const worldName = 'electron-preload';
export const bindingName = 'electronTell';

/** Text for the page's own world. */
export const mainWorldText = `(${exposingWorld.toString()})();`;

/** Text for the preload's world: the two modules of Electron that our sandboxed preload uses, then the preload. In the top document only. */
export function preloadWorldText(preload: string): string {
  return `if (window === top) {
  const modules = (${preloadWorld.toString()})((text) => globalThis[${JSON.stringify(bindingName)}](text));
  ((require, module, exports) => {
${preload}
  })((name) => {
    if (name !== 'electron') throw new Error('module not found: ' + name);
    return modules;
  }, { exports: {} }, {});
}`;
}
