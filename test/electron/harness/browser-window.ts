/** BrowserWindow: what a window system would keep, in memory; its page is real. */
import { EventEmitter } from 'node:events';
import { app } from './application.ts';
import { vetoable, WebContents } from './web-contents.ts';

interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface WindowOptions extends Partial<Bounds> {
  show?: boolean;
  title?: string;
  minWidth?: number;
  minHeight?: number;
  backgroundColor?: string;
  webPreferences?: Record<string, unknown> & { preload?: string };
}

export class BrowserWindow extends EventEmitter {
  static readonly #all = new Set<BrowserWindow>();

  static getAllWindows(): BrowserWindow[] {
    return [...BrowserWindow.#all];
  }

  static fromWebContents(contents: WebContents): BrowserWindow | null {
    return BrowserWindow.getAllWindows().find((window) => window.webContents === contents) ?? null;
  }

  readonly options: WindowOptions;
  readonly webContents: WebContents;
  /** What setProgressBar was given, in order. */
  readonly progress: number[] = [];
  #bounds: Bounds;
  #isVisible: boolean;
  #isFocused = false;
  #isMinimized = false;
  #isMaximized = false;
  #isDestroyed = false;

  constructor(options: WindowOptions = {}) {
    super();
    this.options = options;
    this.#bounds = { x: options.x ?? 100, y: options.y ?? 60, width: options.width ?? 800, height: options.height ?? 600 };
    this.#isVisible = options.show ?? true;
    this.webContents = new WebContents(options.webPreferences?.preload);
    this.webContents.once('did-finish-load', () => this.emit('ready-to-show'));
    BrowserWindow.#all.add(this);
    app.windows.add(this);
    app.emit('web-contents-created', {}, this.webContents);
    app.emit('browser-window-created', {}, this);
  }

  async loadURL(address: string): Promise<void> {
    const page = await this.webContents.opened;
    await page.setViewportSize({ width: this.#bounds.width, height: this.#bounds.height });
    await this.webContents.loadURL(address);
  }

  show(): void {
    const wasVisible = this.#isVisible;
    this.#isVisible = true;
    if (!wasVisible) this.emit('show');
    this.focus();
  }

  hide(): void {
    this.#isVisible = false;
    this.#isFocused = false;
    this.emit('hide');
  }

  focus(): void {
    if (this.#isFocused) return;
    this.#isFocused = true;
    this.emit('focus');
  }

  blur(): void {
    this.#isFocused = false;
    this.emit('blur');
  }

  minimize(): void {
    this.#isMinimized = true;
  }

  restore(): void {
    this.#isMinimized = false;
  }

  maximize(): void {
    this.#isMaximized = true;
  }

  setBounds(bounds: Bounds): void {
    this.#bounds = bounds;
  }

  setProgressBar(fraction: number): void {
    this.progress.push(fraction);
  }

  isVisible = (): boolean => this.#isVisible;
  isFocused = (): boolean => this.#isFocused;
  isMinimized = (): boolean => this.#isMinimized;
  isMaximized = (): boolean => this.#isMaximized;
  isDestroyed = (): boolean => this.#isDestroyed;
  getNormalBounds = (): Bounds => ({ ...this.#bounds });

  close(): void {
    if (this.#isDestroyed) return;
    const event = vetoable({});
    this.emit('close', event);
    if (event.defaultPrevented) return app.stay();
    this.#isDestroyed = true;
    void this.webContents.close().then(() => {
      BrowserWindow.#all.delete(this);
      this.emit('closed');
      app.forget(this);
    });
  }
}
