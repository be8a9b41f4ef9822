/**
 * All that the page gets of the shell: two questions and the port to the service. Runs sandboxed in a world of its own; neither
 * ipcRenderer nor an event of it ever reaches the page.
 */
import { contextBridge, ipcRenderer } from 'electron';
import { channels } from './channels.ts';

const cairnShell = {
  pickFolder: (): Promise<string | undefined> => ipcRenderer.invoke(channels.pickFolder) as Promise<string | undefined>,
  copyDiagnostics: (): Promise<void> => ipcRenderer.invoke(channels.copyDiagnostics) as Promise<void>,
};
export type ExposedShell = typeof cairnShell;

contextBridge.exposeInMainWorld('cairnShell', cairnShell);

// A port can't pass the bridge; the page's own message queue takes it, and only the page's own origin may read it.
ipcRenderer.on(channels.servicePort, (event) => window.postMessage(channels.servicePort, location.origin, event.ports));
