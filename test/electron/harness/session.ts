/**
 * Permissions: the handlers are asked for each kind that Chromium knows, and Chromium is told what they said. Without handlers
 * everything is granted, as in Electron.
 */
import type { BrowserContext, CDPSession } from 'playwright-core';
import { fromWeb, toWeb } from './network.ts';

type Decide = (granted: boolean) => void;
type RequestHandler = (
  contents: unknown,
  permission: string,
  decide: Decide,
  details: { requestingUrl: string; isMainFrame: boolean },
) => void;
type CheckHandler = (contents: unknown, permission: string, requestingOrigin: string, details: object) => boolean;

const inChromium: Record<string, { name: string; allowWithoutSanitization?: boolean }> = {
  notifications: { name: 'notifications' },
  geolocation: { name: 'geolocation' },
  media: { name: 'microphone' },
  midi: { name: 'midi' },
  'clipboard-read': { name: 'clipboard-read' },
  'clipboard-sanitized-write': { name: 'clipboard-write' },
};

let requestHandler: RequestHandler | undefined;
let checkHandler: CheckHandler | undefined;
let deviceHandler: (() => boolean) | undefined;

/** What the handlers say of a permission; both must agree, as a page that asks is checked first. */
function verdict(permission: string, address: string): boolean {
  let granted = true;
  requestHandler?.(null, permission, (decided) => (granted = decided), { requestingUrl: address, isMainFrame: true });
  return granted && (checkHandler?.(null, permission, new URL('/', address).href, {}) ?? true);
}

export const grants = {
  verdict,
  device: (): boolean => deviceHandler?.() ?? true,
};

/** Chromium forgets what it was told when the connection that told it closes. */
let telling: Promise<CDPSession> | undefined;

/** Tells Chromium, for the origin of an address. Call it before the page goes there. */
export async function applyPermissions(context: BrowserContext, cdp: CDPSession, address: string): Promise<void> {
  const { targetInfo } = await cdp.send('Target.getTargetInfo');
  telling ??= context.browser()!.newBrowserCDPSession();
  const browser = await telling;
  const origin = new URL(toWeb(address)).origin;
  for (const [permission, descriptor] of Object.entries(inChromium)) {
    const setting = verdict(permission, fromWeb(toWeb(address))) ? 'granted' : 'denied';
    await browser.send('Browser.setPermission', { permission: descriptor, setting, origin, browserContextId: targetInfo.browserContextId });
  }
}

export const session = {
  defaultSession: {
    setPermissionRequestHandler: (handler: RequestHandler): void => void (requestHandler = handler),
    setPermissionCheckHandler: (handler: CheckHandler): void => void (checkHandler = handler),
    setDevicePermissionHandler: (handler: () => boolean): void => void (deviceHandler = handler),
  },
};
