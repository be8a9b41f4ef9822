/** What the system shows and knows: kept in memory, answered by the test. */
import { EventEmitter } from 'node:events';

type Answer = { canceled: boolean; filePaths: string[] } | { response: number };

/** Dialogs that were shown, and what the user will do with the next ones. A dialog that nobody answers fails the test. */
export const dialogs = {
  shown: [] as { kind: 'open' | 'message' | 'error'; window: unknown; options: Record<string, unknown> }[],
  answers: [] as (Answer | Promise<Answer>)[],
};

function show<T extends Answer>(kind: 'open' | 'message', args: unknown[]): Promise<T> {
  const options = args.at(-1) as Record<string, unknown>;
  dialogs.shown.push({ kind, window: args.length > 1 ? args[0] : undefined, options });
  const answer = dialogs.answers.shift();
  if (!answer) throw new Error(`nobody answers this dialog: ${JSON.stringify(options)}`);
  return Promise.resolve(answer) as Promise<T>;
}

export const dialog = {
  showOpenDialog: (...args: unknown[]) => show<{ canceled: boolean; filePaths: string[] }>('open', args),
  showMessageBox: (...args: unknown[]) => show<{ response: number }>('message', args),
  showErrorBox: (title: string, content: string): void =>
    void dialogs.shown.push({ kind: 'error', window: undefined, options: { title, content } }),
};

export const clipboard = {
  text: '',
  writeText(text: string): void {
    clipboard.text = text;
  },
};

/** What was shown in the system's file manager. */
export const shell = {
  shown: [] as string[],
  showItemInFolder(path: string): void {
    shell.shown.push(path);
  },
};

export interface MenuItem {
  label?: string;
  role?: string;
  type?: string;
  enabled?: boolean;
  accelerator?: string;
  submenu?: MenuItem[];
  checked?: boolean;
  click?(item: MenuItem): void;
}

export class Menu {
  static application: Menu | undefined;

  static buildFromTemplate(template: MenuItem[]): Menu {
    return new Menu(template);
  }

  static setApplicationMenu(menu: Menu): void {
    Menu.application = menu;
  }

  readonly items: MenuItem[];

  constructor(items: MenuItem[]) {
    this.items = items;
  }

  /** Clicks an item as a user would, by its label, wherever in the menu it is. */
  click(label: string): void {
    const item = this.items.flatMap((entry) => [entry, ...(entry.submenu ?? [])]).find((entry) => entry.label === label);
    if (!item?.click || item.enabled === false) throw new Error(`the menu has no item '${label}' that can be clicked`);
    if (item.type === 'checkbox') item.checked = !item.checked;
    item.click(item);
  }
}

export class NativeImage {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }
}

export const nativeImage = {
  createFromDataURL(address: string): NativeImage {
    if (!address.startsWith('data:image/png;base64,iVBOR')) throw new Error('not the address of a PNG');
    return new NativeImage(address);
  },
};

export class Tray extends EventEmitter {
  static readonly all: Tray[] = [];

  image: NativeImage;
  /** Every tooltip, in order. */
  readonly toolTips: string[] = [];
  menu: Menu | undefined;
  isDestroyed = false;

  constructor(image: NativeImage) {
    super();
    this.image = image;
    Tray.all.push(this);
  }

  setImage(image: NativeImage): void {
    this.image = image;
  }

  setToolTip(text: string): void {
    this.toolTips.push(text);
  }

  setContextMenu(menu: Menu): void {
    this.menu = menu;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

export class Notification extends EventEmitter {
  static readonly shown: Notification[] = [];

  static isSupported(): boolean {
    return true;
  }

  readonly title: string;
  readonly body: string;

  constructor({ title, body }: { title: string; body: string }) {
    super();
    this.title = title;
    this.body = body;
  }

  show(): void {
    Notification.shown.push(this);
  }
}

export const screen = {
  displays: [{ workArea: { x: 0, y: 0, width: 1920, height: 1050 } }],
  getAllDisplays: (): { workArea: { x: number; y: number; width: number; height: number } }[] => screen.displays,
};

export const nativeTheme = { shouldUseDarkColors: false };

class PowerMonitor extends EventEmitter {
  #onBattery = false;

  isOnBatteryPower(): boolean {
    return this.#onBattery;
  }

  /** The plug is pulled, or put in. */
  turn(onBattery: boolean): void {
    this.#onBattery = onBattery;
    this.emit(onBattery ? 'on-battery' : 'on-ac');
  }
}

export const powerMonitor = new PowerMonitor();

export const powerSaveBlocker = {
  running: new Set<number>(),
  /** How often one was started. */
  started: 0,
  start(_kind: string): number {
    powerSaveBlocker.started += 1;
    powerSaveBlocker.running.add(powerSaveBlocker.started);
    return powerSaveBlocker.started;
  },
  stop: (id: number): void => void powerSaveBlocker.running.delete(id),
};
