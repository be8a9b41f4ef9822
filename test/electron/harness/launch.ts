/** Starts the application's main script over the harness, as often as a test likes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { expect, vi } from 'vitest';

/** The harness's modules, as loaded for one start. */
async function loadHarness() {
  vi.resetModules();
  const [application, windows, system, processes, context, network, grants] = await Promise.all([
    import('./application.ts'),
    import('./browser-window.ts'),
    import('./system.ts'),
    import('./utility-process.ts'),
    import('./chromium-context.ts'),
    import('./network.ts'),
    import('./session.ts'),
  ]);
  return { ...application, ...windows, ...system, ...processes, ...context, ...network, ...grants };
}
type Harness = Awaited<ReturnType<typeof loadHarness>>;

const running: Launched[] = [];

export class Launched {
  readonly harness: Harness;
  readonly folder: string;

  constructor(harness: Harness, folder: string) {
    this.harness = harness;
    this.folder = folder;
  }

  get app(): Harness['app'] {
    return this.harness.app;
  }

  get window(): InstanceType<Harness['BrowserWindow']> {
    const [window] = this.harness.BrowserWindow.getAllWindows();
    if (!window) throw new Error('there is no window');
    return window;
  }

  get tray(): InstanceType<Harness['Tray']> {
    return this.harness.Tray.all.at(-1)!;
  }

  get service(): InstanceType<Harness['UtilityProcess']> {
    return this.harness.UtilityProcess.all.at(-1)!;
  }

  /** The page, once the interface stands. */
  async page(): Promise<Page> {
    const page = await this.window.webContents.opened;
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }

  /** The page, once it shows the empty library of a new home, which the service told it. */
  async connectedPage(): Promise<Page> {
    const page = await this.page();
    await page.getByRole('heading', { name: 'Keep every checkpoint' }).waitFor();
    return page;
  }

  async untilServiceReady(): Promise<void> {
    await expect.poll(() => this.service.heard).toContainEqual({ state: 'ready' });
  }

  /** Quits and waits until all has ended. */
  async quit(): Promise<void> {
    this.app.quit();
    await this.app.ended;
  }
}

interface LaunchOptions {
  /** Words after those that every start here has. */
  words?: string[];
  /** Of an earlier start: the same home, store and profile. */
  folder?: string;
  /** Without a store of its own on the command line, as systems start it for a file. */
  keepStore?: boolean;
  /** What the user will answer to dialogs that come at once. */
  answers?: Harness['dialogs']['answers'];
  /** As an installed application starts, without the word that names the checkout. */
  isPackaged?: boolean;
  /** Runs what was built into dist/ instead of the sources. */
  built?: boolean;
}

/** Runs main.ts as a new process would, in a home of its own unless told otherwise. */
export async function launch({
  words = [],
  folder,
  answers = [],
  isPackaged = false,
  built = false,
  keepStore = true,
}: LaunchOptions = {}): Promise<Launched> {
  const place = folder ?? (await mkdtemp(path.join(tmpdir(), 'cairn-desktop-')));
  const harness = await loadHarness();
  harness.app.isPackaged = isPackaged;
  harness.dialogs.answers.push(...answers);
  harness.app.paths.set('appData', path.join(place, 'state'));
  await harness.openContext();
  const store = keepStore ? ['--store', path.join(place, 'store')] : [];
  process.argv = ['electron', ...(isPackaged ? [] : ['.']), '--home', path.join(place, 'home'), ...store, ...words];
  await import(path.resolve(built ? 'dist/main.js' : 'electron/main.ts'));
  harness.app.becomeReady();
  const launched = new Launched(harness, place);
  running.push(launched);
  return launched;
}

/** For afterEach: ends what a test left running, and removes its folders. */
export async function endAll(): Promise<void> {
  for (const { app, harness, folder } of running.splice(0).reverse()) {
    for (const service of harness.UtilityProcess.all) service.thaw(); // a test that failed may have left it frozen
    app.quit();
    await app.ended;
    for (const service of harness.UtilityProcess.all) service.crash();
    await harness.closeContext();
    await rm(folder, { recursive: true, force: true });
  }
}
