/** The names that main and preload speak by. Everything else goes over the port to the service, under the contract. */
export const channels = {
  /** Invoked by the page: asks for a folder, answers its path or undefined. */
  pickFolder: 'shell:pick-folder',
  /** Invoked by the page: puts what is worth knowing of a failure on the clipboard. */
  copyDiagnostics: 'shell:copy-diagnostics',
  /** Invoked by the page: shows where a restore wrote, by the id of its job. */
  showRestored: 'shell:show-restored',
  /** Invoked by the preload: folders that were dropped on the page. */
  dropFolders: 'shell:drop-folders',
  /** Sent to the page with one port, whose other end the service holds. */
  servicePort: 'shell:service-port',
} as const;
