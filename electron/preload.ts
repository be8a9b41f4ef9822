/**
 * All that the page gets of the shell: three questions and the port to the service. Runs sandboxed in a world of its own; neither
 * ipcRenderer nor an event of it ever reaches the page.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { channels } from './channels.ts';

const cairnShell = {
  pickFolder: (): Promise<string | undefined> => ipcRenderer.invoke(channels.pickFolder) as Promise<string | undefined>,
  copyDiagnostics: (): Promise<void> => ipcRenderer.invoke(channels.copyDiagnostics) as Promise<void>,
  showRestored: (job: string): Promise<void> => ipcRenderer.invoke(channels.showRestored, job) as Promise<void>,
};
export type ExposedShell = typeof cairnShell;

contextBridge.exposeInMainWorld('cairnShell', cairnShell);

// A port can't pass the bridge; the page's own message queue takes it, and only the page's own origin may read it.
ipcRenderer.on(channels.servicePort, (event) => window.postMessage(channels.servicePort, location.origin, event.ports));

// Paths of what is dropped are for main alone. A file that a page made itself has none, so a forged drop adds nothing.
window.addEventListener('drop', (event) => {
  const paths = [...(event.dataTransfer?.files ?? [])].map((file) => webUtils.getPathForFile(file)).filter((path) => path !== '');
  if (paths.length > 0) void ipcRenderer.invoke(channels.dropFolders, paths);
});
