import type { ParamsOf } from '../../core/contract/methods.ts';
import type { Snapshot } from '../../core/contract/model.ts';
import { shell } from '../bridge/shell.ts';

export interface Question {
  title: string;
  detail: string;
  confirm: string;
  danger?: boolean;
  command?: string;
  act(): void;
}

export type Open =
  | { kind: 'plan'; title: string; params: ParamsOf<'archive.start'> }
  | { kind: 'restore'; snapshot: Snapshot; tensor?: string | undefined; files?: string; to?: string }
  | { kind: 'confirm'; question: Question }
  | { kind: 'prune' }
  | { kind: 'setup' }
  | { kind: 'palette' }
  | { kind: 'shortcuts' };

/** The dialog that is open, and the folder browser, which may lie above it. */
class Dialogs {
  open = $state.raw<Open | undefined>();
  folder = $state.raw<{ title: string; settle(path: string | undefined): void } | undefined>();

  close(): void {
    this.open = undefined;
  }

  /** Asks for a folder: natively on the desktop, else by browsing the folders of the service's machine. */
  pickFolder(title: string): Promise<string | undefined> {
    const desktop = shell();
    if (desktop) return desktop.pickFolder();
    return new Promise((resolve) => {
      this.folder = {
        title,
        settle: (path) => {
          this.folder = undefined;
          resolve(path);
        },
      };
    });
  }
}

export const dialogs = new Dialogs();
