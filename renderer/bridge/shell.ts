/** What the desktop's preload offers beyond the connection. Absent in a browser. */
export interface CairnShell {
  /** Asks for a folder with the system's own dialog; undefined when the user thinks better of it. */
  pickFolder(): Promise<string | undefined>;
  /** Puts versions, state and the last lines of the log on the clipboard, without names or secrets. */
  copyDiagnostics(): Promise<void>;
  /** Shows in the system's file manager what a restore job wrote. */
  showRestored(job: string): Promise<void>;
}

declare global {
  interface Window {
    cairnShell?: CairnShell;
  }
}

export const shell = (): CairnShell | undefined => window.cairnShell;
