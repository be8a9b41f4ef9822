/**
 * The interface over a home, a store and a chain of its own: served to a real Chromium, or with CAIRN_E2E=electron in the desktop application
 * itself, run by Electron's own runtime (`npm run test:electron`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, chromium, type Browser, type ElectronApplication, type Page } from 'playwright-core';
import { chromiumPath } from '../../build/chromium.ts';
import { electronRuntime } from '../../build/runtime.ts';
import { patienceMs } from '../patience.ts';

const root = path.resolve(import.meta.dirname, '../..');

const inElectron = process.env['CAIRN_E2E'] === 'electron';

/** Of pages in the desktop application: makes the system's own dialog give a folder. */
export const nativeFolders = new WeakMap<Page, (folder: string) => Promise<void>>();

/** Of pages over a socket: the calls that the service has not answered yet. */
export const unanswered = new WeakMap<Page, ReadonlySet<number>>();

/** Reads along what goes over the page's sockets; a page that is loaded again has another. */
function followCalls(page: Page): void {
  page.on('websocket', (socket) => {
    const calls = new Set<number>();
    unanswered.set(page, calls);
    const read = (payload: string | Buffer): { verb: string; id: number } => JSON.parse(payload.toString()) as { verb: string; id: number };
    socket.on('framesent', ({ payload }) => {
      const { verb, id } = read(payload);
      if (verb === 'call') calls.add(id);
      if (verb === 'cancel') calls.delete(id);
    });
    socket.on('framereceived', ({ payload }) => {
      const { verb, id } = read(payload);
      if (verb === 'answer' || verb === 'failure') calls.delete(id);
    });
    socket.on('close', () => calls.clear());
  });
}

export interface ViewOptions {
  colorScheme?: 'light' | 'dark';
  width?: number;
  height?: number;
}

/** The one window of the desktop application, as a view of the size and colours that a test wants. */
async function windowOf(desktop: ElectronApplication, { colorScheme, width, height }: Required<ViewOptions>): Promise<Page> {
  const page = await desktop.firstWindow();
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await desktop.evaluate(({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]!.setContentSize(size.width, size.height), {
    width,
    height,
  });
  nativeFolders.set(page, (folder) =>
    desktop.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, folder),
  );
  return page;
}

export class Served {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cairn-e2e-'));
  readonly chain = path.join(this.folder, 'nano-run');
  /** What the page complained about: errors of scripts, refused resources, broken policy. */
  readonly complaints: string[] = [];
  #server: ChildProcess | undefined;
  #browser: Browser | undefined;
  #desktop: ElectronApplication | undefined;
  #address = '';

  static async start(): Promise<Served> {
    const served = new Served();
    cpSync(path.join(root, 'test/fixtures/sample-chain'), served.chain, { recursive: true, preserveTimestamps: true });
    if (inElectron) {
      served.#desktop = await served.#launch();
      return served;
    }
    await served.#serve();
    served.#browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
    return served;
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A page that went through the door: the address with the token. */
  async open({ colorScheme = 'dark', width = 1280, height = 800 }: ViewOptions = {}): Promise<Page> {
    const page = this.#desktop
      ? await windowOf(this.#desktop, { colorScheme, width, height })
      : await this.#browser!.newContext({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' }).then((context) =>
          context.newPage(),
        );
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.setDefaultTimeout(patienceMs);
    followCalls(page);
    if (!this.#desktop) await page.goto(this.#address);
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    await this.#desktop?.close();
    const ended = new Promise((resolve) => this.#server?.once('exit', resolve));
    this.#server?.kill('SIGTERM');
    if (this.#server) await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #launch(): Promise<ElectronApplication> {
    const executablePath = electronRuntime();
    if (executablePath === undefined) throw new Error("Electron's runtime is not installed; npx electron fetches it");
    const args = [root, '--home', this.path('home'), '--store', this.path('store'), ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
    return _electron.launch({ executablePath, args });
  }

  /** Starts the server as a user does, and takes the address from what it prints. */
  #serve(): Promise<void> {
    const args = [path.join(root, 'dist/cli.js'), 'serve', '--port', '0', '--store', this.path('store')];
    const server = spawn(process.execPath, args, {
      env: { ...process.env, CAIRN_HOME: this.path('home') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      let printed = '';
      server.stdout.on('data', (text: Buffer) => {
        printed += text.toString();
        const address = /http:\/\/\S+token=\S+/.exec(printed)?.[0];
        if (address === undefined) return;
        this.#address = address;
        resolve();
      });
      server.once('exit', (code) => reject(new Error(`cairn serve ended with ${code}: ${printed}`)));
    });
  }
}
