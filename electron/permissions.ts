/**
 * What pages may ask of the browser. Electron grants everything by default; the interface copies commands to the clipboard and needs
 * nothing else.
 */
import type { Session } from 'electron';
import { isOwnAddress } from './app-protocol.ts';

const granted = new Set(['clipboard-sanitized-write']);

const isGranted = (permission: string, address: string): boolean => granted.has(permission) && isOwnAddress(address);

export function limitPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, decide, { requestingUrl }) => decide(isGranted(permission, requestingUrl)));
  session.setPermissionCheckHandler((_contents, permission, requestingOrigin) => isGranted(permission, requestingOrigin));
  session.setDevicePermissionHandler(() => false);
}
