/** The menu of what was pointed at: one for the whole window, opened by the pointer's other button or the menu key. */
import type { Command } from './commands.svelte.ts';

export interface PointedMenu {
  label: string;
  items: readonly Command[];
  x: number;
  y: number;
  /** Has the focus again when the menu is left. */
  from: HTMLElement | undefined;
}

class Pointed {
  menu = $state.raw<PointedMenu | undefined>();

  /**
   * Opens it in place of the system's own; where nothing can be done the event stays the system's.
   *
   * @param at what the menu belongs to, for the keyboard, which has no pointer
   */
  open(event: MouseEvent, label: string, items: readonly Command[], at?: Element | null): void {
    const open = items.filter(({ disabled }) => !disabled);
    if (open.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const box = byKeyboard(event) ? (at ?? (event.currentTarget as Element)).getBoundingClientRect() : undefined;
    const from = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    this.menu = { label, items: open, x: box ? box.left + 24 : event.clientX, y: box ? box.bottom : event.clientY, from };
  }

  close(): void {
    const from = this.menu?.from;
    this.menu = undefined;
    from?.focus({ preventScroll: true });
  }
}

/** The menu key and Shift+F10 send the same event, with no button. */
export const byKeyboard = (event: MouseEvent): boolean => event.button !== 2;

export const pointed = new Pointed();
