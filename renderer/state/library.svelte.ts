import type { RunSummary, Source } from '../../core/contract/model.ts';
import { text } from '../ui/text.ts';
import { atMostEvery, Loaded } from './loaded.svelte.ts';
import { service } from './service.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/** The sources and the runs found in them. */
class Library {
  readonly sources = new Loaded<Source[]>(async () => (await service.call('sources.list', {})).sources);
  readonly runs = new Loaded<RunSummary[]>(async () => (await service.call('runs.list', {})).runs);
  scanning = $state(false);

  start(): void {
    const reload = atMostEvery(300, () => this.reload());
    service.on('catalogue.changed', reload);
    service.whenConnected(() => this.reload());
  }

  reload(): void {
    void this.sources.reload();
    void this.runs.reload();
  }

  /** Adds a folder and looks through it. */
  add(path: string): Promise<void> {
    return this.#addAndScan(() => service.call('sources.add', { path }));
  }

  /** Adds a small run that Cairn makes for trying it. */
  addSample(): Promise<void> {
    return this.#addAndScan(() => service.call('sources.sample', {}));
  }

  async #addAndScan(add: () => Promise<{ source: Source }>): Promise<void> {
    let path: string;
    try {
      ({ path } = (await add()).source);
      await this.sources.reload();
    } catch (thrown) {
      toasts.fail(text.library.cannotAdd, thrown);
      return;
    }
    await this.scan([path]);
  }

  async remove(source: Source): Promise<void> {
    try {
      await service.call('sources.remove', { id: source.id });
    } catch (thrown) {
      toasts.fail(text.library.cannotRemove, thrown);
    }
    this.reload();
  }

  /** Looks for checkpoints below the given folders, or below every source, and says what it found. */
  async scan(paths?: string[]): Promise<void> {
    if (this.scanning) return;
    this.scanning = true;
    try {
      const { runs, findings } = await service.call('sources.scan', paths ? { paths } : {});
      const first = findings[0];
      toasts.show({
        tone: 'plain',
        title: text.library.scanned(
          runs.length,
          runs.reduce((sum, run) => sum + run.steps, 0),
        ),
        detail: first && text.library.scanFindings(findings.length, first.message),
      });
    } catch (thrown) {
      toasts.fail(text.library.cannotScan, thrown);
    } finally {
      this.scanning = false;
      this.reload();
    }
  }
}

export const library = new Library();
