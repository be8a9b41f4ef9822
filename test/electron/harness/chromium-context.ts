/** One Chromium for all starts in a test file, one context with its own storage for each start. */
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { chromiumPath } from '../../../build/chromium.ts';
import { takeNetwork } from './network.ts';

/** Modules are loaded anew for each start; the browser outlives them. */
const kept = globalThis as { electronHarnessBrowser?: Promise<Browser> };
let context: BrowserContext | undefined;

function browser(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  kept.electronHarnessBrowser ??= chromium.launch({ executablePath: chromiumPath(), args: isRoot ? ['--no-sandbox'] : [] });
  return kept.electronHarnessBrowser;
}

export async function openContext(): Promise<void> {
  context = await (await browser()).newContext({ colorScheme: 'light' });
  await takeNetwork(context);
}

export function currentContext(): BrowserContext {
  if (!context) throw new Error('Chromium has no context yet; call openContext first');
  return context;
}

export async function closeContext(): Promise<void> {
  await context?.close();
  context = undefined;
}

export async function closeBrowser(): Promise<void> {
  await (await kept.electronHarnessBrowser)?.close();
  delete kept.electronHarnessBrowser;
}
