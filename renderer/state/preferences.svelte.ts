/** What the user prefers on this machine, kept in the browser's own storage. */
import { MediaQuery } from 'svelte/reactivity';

export type Theme = 'system' | 'light' | 'dark';
/** More: as the system asks for, or always. */
export type Contrast = 'system' | 'more';
export type Density = 'dense' | 'roomy';

const key = 'cairn-preferences';

/** What was kept may be anything at all. */
function columnsOf(kept: unknown): Record<string, string[]> {
  const tables = Object.entries(typeof kept === 'object' && kept !== null ? kept : {});
  return Object.fromEntries(tables.filter((entry): entry is [string, string[]] => Array.isArray(entry[1])));
}

class Preferences {
  theme = $state<Theme>('system');
  contrast = $state<Contrast>('system');
  density = $state<Density>('dense');
  /** Whether keys without Ctrl act. WCAG 2.1.4 asks that they can be switched off. */
  singleKeys = $state(true);
  sidebar = $state<'wide' | 'narrow'>('wide');
  /** By the table's name, keys of the columns that are not shown. */
  hiddenColumns = $state.raw<Readonly<Record<string, readonly string[]>>>({});

  readonly #systemContrast = new MediaQuery('prefers-contrast: more');

  /** Whether colours are those of high contrast now. */
  get highContrast(): boolean {
    return this.contrast === 'more' || this.#systemContrast.current;
  }

  /** Reads what was kept, applies it, and keeps every change. Must be called from an effect root. */
  start(): void {
    this.#read();
    $effect(() => {
      const root = document.documentElement;
      if (this.theme === 'system') delete root.dataset['theme'];
      else root.dataset['theme'] = this.theme;
      root.dataset['density'] = this.density;
      if (this.highContrast) root.dataset['contrast'] = 'more';
      else delete root.dataset['contrast'];
      const { theme, contrast, density, singleKeys, sidebar, hiddenColumns } = this;
      localStorage.setItem(key, JSON.stringify({ theme, contrast, density, singleKeys, sidebar, hiddenColumns }));
    });
  }

  #read(): void {
    try {
      const kept = JSON.parse(localStorage.getItem(key) ?? '{}') as Record<string, unknown>;
      if (kept['theme'] === 'light' || kept['theme'] === 'dark') this.theme = kept['theme'];
      if (kept['contrast'] === 'more') this.contrast = 'more';
      if (kept['density'] === 'roomy') this.density = kept['density'];
      if (kept['singleKeys'] === false) this.singleKeys = false;
      if (kept['sidebar'] === 'narrow') this.sidebar = 'narrow';
      this.hiddenColumns = columnsOf(kept['hiddenColumns']);
    } catch {
      localStorage.removeItem(key);
    }
  }
}

export const preferences = new Preferences();
