/** Putting text on the clipboard, and saying so. */
import { text } from '../ui/text.ts';
import type { Command } from './commands.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/** For this long a button says that it has copied. */
const saidMs = 1500;

/** False where the system did not allow it, which a toast then tells. */
async function copy(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch (thrown) {
    toasts.fail(text.cannotCopy, thrown);
    return false;
  }
}

/** What a copying button keeps. */
export class Copying {
  done = $state(false);

  async copy(value: string): Promise<void> {
    this.done = await copy(value);
    setTimeout(() => (this.done = false), saidMs);
  }
}

/** The entry of a menu that copies a name, a path or an id. */
export const copyCommand = (id: string, title: string, value: string): Command => ({
  id,
  title,
  group: text.copy,
  run: () => void copy(value).then((done) => done && toasts.show({ tone: 'plain', title: text.copied, detail: value })),
});
