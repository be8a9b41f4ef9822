/**
 * The running desktop: one window, one service process, the tray. The window and the shell each have a connection of
 * their own to the service; the shell's is for what shows outside the window, and for folders that come from the system.
 *
 * Closing the window ends the application where nothing runs and no schedule is on. For schedules it stays in the tray; where jobs run,
 * until they are done, and where one failed, until somebody looked.
 */
import path from 'node:path';
import { app, clipboard, Notification, session, shell, type BrowserWindow } from 'electron';
import { z } from 'zod';
import { createClient, type Client } from '../core/contract/client.ts';
import { portConnection } from '../core/contract/connections/port.ts';
import { toCairnError, type Failure } from '../core/contract/errors.ts';
import type { Job } from '../core/contract/model.ts';
import { serveRenderer, isOwnAddress, startPage } from './app-protocol.ts';
import { Background } from './background.ts';
import { channels } from './channels.ts';
import { diagnostics } from './diagnostics.ts';
import { askToInterrupt, askToOpenStore, askToRetry, pickFolder, tellFailure } from './dialogs.ts';
import { answerPage, nothing } from './ipc.ts';
import { JobWatch } from './job-watch.ts';
import { Looked } from './looked.ts';
import { serviceArgs, type Launch, type Request } from './launch.ts';
import { LogFile } from './log-file.ts';
import { openAtLogin, opensAtLogin } from './login.ts';
import { installMenu } from './menu.ts';
import { limitPermissions } from './permissions.ts';
import { rendererFolder } from './places.ts';
import { followPower, isDelicate, Wakefulness } from './power.ts';
import { ServiceProcess } from './service-process.ts';
import { statusLine, TrayMark, type PauseEnd } from './tray.ts';
import { openWindow } from './window.ts';

const jobId = z.string().regex(/^[0-9a-f]{1,32}$/, 'no id of a job');
const droppedPaths = z.array(z.string().min(1).max(32_768).refine(path.isAbsolute, 'no absolute path')).min(1).max(100);

export class Desktop {
  readonly #stateFile: string;
  readonly #home: string | undefined;
  #store: string | undefined;
  /** Where the next window begins. */
  #place: string | undefined;
  readonly #service: ServiceProcess;
  readonly #log: LogFile;
  readonly #jobs: JobWatch;
  readonly #background = new Background(() => this.#follow());
  readonly #wakefulness = new Wakefulness();
  #saidThatItStays = false;
  /** Started hidden, and nobody has asked for a window yet. */
  #isHidden: boolean;
  #tray: TrayMark | undefined;
  #window: BrowserWindow | undefined;
  #client: Client | undefined;
  /** Whether the window shows a whole page that listens for ports. */
  #isLoaded = false;
  #closing: Promise<void> | undefined;
  #foldersToAdd: string[];

  constructor(launch: Launch, stateFile: string) {
    this.#stateFile = stateFile;
    const looked = new Looked(path.join(launch.profile, 'looked.json'));
    this.#jobs = new JobWatch({ onChange: () => this.#follow(), onFailure: (job) => this.#notify(job), looked });
    this.#log = new LogFile(path.join(launch.profile, 'logs'));
    [this.#home, this.#store, this.#place] = [launch.home, launch.store, launch.place];
    this.#foldersToAdd = launch.folders;
    this.#isHidden = launch.hidden;
    this.#service = new ServiceProcess({
      args: serviceArgs(launch),
      onReady: () => this.#connect(),
      onFailed: (failure) => void this.#offerRetry(failure),
      onProblem: (line) => this.#log.add(line),
    });
  }

  /** Opens everything. Call it once the application is ready. */
  open(): void {
    limitPermissions(session.defaultSession);
    serveRenderer(rendererFolder);
    answerPage(channels.pickFolder, nothing, pickFolder);
    answerPage(channels.copyDiagnostics, nothing, () => this.#copyDiagnostics());
    answerPage(channels.showRestored, jobId, (_, id) => this.#showRestored(id));
    answerPage(channels.dropFolders, droppedPaths, (_, paths) => this.addFolders(paths));
    installMenu({
      addFolder: () => void this.#pickAndAdd(),
      copyDiagnostics: () => void this.#copyDiagnostics(),
      opensAtLogin,
      openAtLogin: (wanted) => void this.#openAtLogin(wanted),
      quit: () => void this.requestQuit(),
    });
    this.#tray = new TrayMark({
      isShown: () => this.#window?.isVisible() ?? false,
      show: () => this.show(),
      hide: () => this.#window?.hide(),
      quit: () => void this.requestQuit(),
      pause: (end) => void this.#pause(end),
      resume: () => void this.#pause(undefined),
    });
    this.#service.start();
    followPower((power) => this.#service.tellPower(power));
    if (!this.#isHidden) this.show();
    this.#showJobs();
  }

  /** Brings the window to the front, and opens it where there is none. */
  show(): void {
    this.#isHidden = false;
    if (!this.#window) this.#open();
    else {
      if (this.#window.isMinimized()) this.#window.restore();
      this.#window.show();
      this.#window.focus();
    }
    this.#jobs.looked();
  }

  /** What a second start, a link or an opened file asks for. */
  async request({ folders, place, store }: Request): Promise<void> {
    this.show();
    if (place !== undefined) this.#goTo(place);
    if (store !== undefined && store !== this.#store) await this.#openStore(store);
    await this.addFolders(folders);
  }

  /** Adds folders to the library and looks for checkpoints in them, now or once the service is there. */
  async addFolders(folders: string[]): Promise<void> {
    this.#foldersToAdd.push(...folders);
    const client = this.#client;
    if (!client || this.#foldersToAdd.length === 0) return;
    const paths = this.#foldersToAdd.splice(0);
    try {
      for (const path of paths) await client.call('sources.add', { path });
      await client.call('sources.scan', { paths });
    } catch (thrown) {
      await tellFailure(this.#window, 'The folder could not be added', toCairnError(thrown).message);
    }
  }

  /** Quits, after asking where that would interrupt a job. */
  async requestQuit(): Promise<void> {
    if (this.#jobs.own.length === 0 || (await askToInterrupt(this.#window, statusLine(this.#jobs)))) app.quit();
  }

  /** Ends the service. The last thing before the application is gone; called again, it waits for the first call. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** The window is closed: stays for jobs, and on the Mac, where applications do. */
  leaveIfIdle(): void {
    if (process.platform === 'darwin' || this.#isHidden || this.#closing || this.#window || this.#jobs.own.length > 0 || this.#jobs.failed)
      return;
    if (this.#background.enabled.length === 0) app.quit();
    else this.#sayThatItStays();
  }

  async #end(): Promise<void> {
    await this.#service.close();
    this.#wakefulness.keep(false);
    this.#tray?.destroy();
    this.#tray = undefined;
  }

  #open(): void {
    const window = openWindow(this.#stateFile, this.#place);
    this.#place = undefined;
    this.#window = window;

    window.webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) this.#isLoaded = false;
    });
    window.webContents.on('did-finish-load', () => {
      this.#isLoaded = true;
      this.#handPort();
      if (this.#place !== undefined) this.#goTo(this.#place);
      this.#place = undefined;
    });
    window.on('focus', () => this.#jobs.looked());
    window.on('show', () => this.#showJobs());
    window.on('hide', () => this.#showJobs());
    window.on('closed', () => {
      this.#window = undefined;
      this.#isLoaded = false;
      this.#showJobs();
    });
  }

  /** Within the page: it isn't loaded anew. */
  #goTo(place: string): void {
    if (this.#window && this.#isLoaded) void this.#window.loadURL(startPage + place).catch(() => undefined);
    else this.#place = place;
  }

  /** The service starts anew over the other store, after asking. */
  async #openStore(store: string): Promise<void> {
    if (!(await askToOpenStore(this.#window, store, this.#jobs.own.length > 0))) return;
    this.#store = store;
    await this.#service.restart(serviceArgs({ home: this.#home, store }));
  }

  /** A page gets a port of its own each time it has loaded, and each time there is another service process. */
  #handPort(): void {
    const contents = this.#window?.webContents;
    if (!contents || !this.#isLoaded || !this.#service.ready || !isOwnAddress(contents.getURL())) return;
    contents.postMessage(channels.servicePort, null, [this.#service.connect()]);
  }

  #connect(): void {
    const client = createClient(portConnection(this.#service.connect()));
    client.onClose(() => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    Promise.all([this.#jobs.follow(client), this.#background.follow(client)]).catch(
      (thrown: unknown) => this.#closing ?? this.#log.add(toCairnError(thrown).message),
    );
    this.#handPort();
    void this.addFolders([]);
  }

  #follow(): void {
    this.#showJobs();
    if (this.#tray && !this.#window) this.leaveIfIdle();
  }

  #showJobs(): void {
    const { running, fraction } = this.#jobs;
    this.#tray?.update(this.#jobs, this.#background);
    this.#window?.setProgressBar(running.length === 0 ? -1 : (fraction ?? 2)); // over 1: running, nobody knows how far
    this.#wakefulness.keep(isDelicate(running));
    app.setBadgeCount(this.#jobs.failed ? 1 : 0);
  }

  #notify(job: Job): void {
    if (this.#window?.isFocused()) return this.#jobs.looked();
    if (this.#closing || !Notification.isSupported()) return;
    const notification = new Notification({ title: `Failed: ${job.title}`, body: job.error?.message ?? '' });
    notification.on('click', () => this.show());
    notification.show();
  }

  /** Once: whoever closes the window may not expect it. */
  #sayThatItStays(): void {
    if (this.#saidThatItStays || !Notification.isSupported()) return;
    this.#saidThatItStays = true;
    const body = 'Its schedules go on. Quit Cairn in the tray ends them.';
    new Notification({ title: 'Cairn stays in the tray', body, silent: true }).show();
  }

  async #copyDiagnostics(): Promise<void> {
    clipboard.writeText(await diagnostics(app.getVersion(), this.#client, this.#log));
  }

  /** Shows in the system's file manager what a restore wrote. The place comes from the service, never from the page; nothing is opened. */
  async #showRestored(id: string): Promise<void> {
    const { job } = (await this.#client?.call('jobs.get', { id })) ?? {};
    const to = job?.kind === 'restore' && job.state === 'done' ? job.result?.['to'] : undefined;
    if (typeof to !== 'string') throw new Error('this job has restored nothing');
    shell.showItemInFolder(to);
  }

  async #openAtLogin(wanted: boolean): Promise<void> {
    try {
      openAtLogin(wanted);
    } catch (thrown) {
      await tellFailure(this.#window, 'Opening at login could not be changed', toCairnError(thrown).message);
    }
  }

  async #pause(end: PauseEnd | undefined): Promise<void> {
    try {
      if (end) await this.#client?.call('jobs.pause', end);
      else await this.#client?.call('jobs.resume', {});
    } catch (thrown) {
      await tellFailure(this.#window, 'Archiving could not be paused or resumed', toCairnError(thrown).message);
    }
  }

  async #offerRetry(failure: Failure): Promise<void> {
    if (await askToRetry(this.#window, failure)) this.#service.start();
    else app.quit();
  }

  async #pickAndAdd(): Promise<void> {
    this.show();
    const folder = this.#window && (await pickFolder(this.#window));
    if (folder !== undefined) await this.addFolders([folder]);
  }
}
