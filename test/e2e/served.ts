/** The real server over a home, a store and a chain of its own, and a real Chromium on its page. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { chromiumPath } from '../../build/chromium.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface ViewOptions {
  colorScheme?: 'light' | 'dark';
  width?: number;
  height?: number;
}

export class Served {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cairn-e2e-'));
  readonly chain = path.join(this.folder, 'nano-run');
  /** What the page complained about: errors of scripts, refused resources, broken policy. */
  readonly complaints: string[] = [];
  #server: ChildProcess | undefined;
  #browser: Browser | undefined;
  #address = '';

  static async start(): Promise<Served> {
    const served = new Served();
    cpSync(path.join(root, 'test/fixtures/sample-chain'), served.chain, { recursive: true, preserveTimestamps: true });
    await served.#serve();
    served.#browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
    return served;
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A page that went through the door: the address with the token. */
  async open({ colorScheme = 'dark', width = 1280, height = 800 }: ViewOptions = {}): Promise<Page> {
    const context = await this.#browser!.newContext({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.setDefaultTimeout(10_000);
    await page.goto(this.#address);
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    const ended = new Promise((resolve) => this.#server?.once('exit', resolve));
    this.#server?.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
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
