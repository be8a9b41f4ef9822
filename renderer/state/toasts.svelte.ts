import { toCairnError } from '../../core/contract/errors.ts';

export interface Toast {
  id: number;
  tone: 'plain' | 'good' | 'bad';
  title: string;
  detail?: string;
  link?: { label: string; href: string };
  action?: { label: string; run(): void };
  /** What it is about; a later toast about the same takes its place. */
  about?: string;
}

const quietMs = 6000;
const mostToasts = 6;

/** Short messages in the corner. Failures stay until they are dismissed. */
class Toasts {
  #nextId = 1;
  list = $state.raw<readonly Toast[]>([]);

  show(toast: Omit<Toast, 'id'>): void {
    const id = this.#nextId++;
    const others = this.list.filter((other) => toast.about === undefined || other.about !== toast.about);
    this.list = [...others, { ...toast, id }].slice(-mostToasts);
    if (toast.tone !== 'bad') setTimeout(() => this.dismiss(id), quietMs);
  }

  /** Shows anything thrown; a call that the user gave up is no failure. */
  fail(title: string, thrown: unknown): void {
    const error = toCairnError(thrown);
    if (error.code !== 'cancelled') this.show({ tone: 'bad', title, detail: error.message });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
