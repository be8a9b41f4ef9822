/** The application's menu: the system's usual one for each platform, with what Cairn adds. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

export interface MenuActions {
  addFolder(): void;
  copyDiagnostics(): void;
  opensAtLogin(): boolean;
  openAtLogin(wanted: boolean): void;
  quit(): void;
}

const separator: MenuItemConstructorOptions = { type: 'separator' };

function applicationMenu(quit: MenuItemConstructorOptions): MenuItemConstructorOptions {
  const roles = ['about', 'separator', 'services', 'separator', 'hide', 'hideOthers', 'unhide', 'separator'] as const;
  return { label: 'Cairn', submenu: [...roles.map((role) => (role === 'separator' ? separator : { role })), quit] };
}

function viewMenu(isPackaged: boolean): MenuItemConstructorOptions {
  const forEngineers: MenuItemConstructorOptions[] = isPackaged ? [] : [{ role: 'reload' }, { role: 'toggleDevTools' }, separator];
  return {
    label: 'View',
    submenu: [...forEngineers, { role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, separator, { role: 'togglefullscreen' }],
  };
}

/** The template for a platform. */
export function menuTemplate(platform: NodeJS.Platform, isPackaged: boolean, actions: MenuActions): MenuItemConstructorOptions[] {
  const quit: MenuItemConstructorOptions = { label: 'Quit Cairn', accelerator: 'CommandOrControl+Q', click: () => actions.quit() };
  const addFolder: MenuItemConstructorOptions = {
    label: 'Add Folder…',
    accelerator: 'CommandOrControl+O',
    click: () => actions.addFolder(),
  };
  const atLogin: MenuItemConstructorOptions = {
    label: 'Open at Login',
    type: 'checkbox',
    checked: actions.opensAtLogin(),
    click: ({ checked }) => actions.openAtLogin(checked),
  };
  const onMac = platform === 'darwin';
  const close: MenuItemConstructorOptions = { role: 'close' };
  return [
    ...(onMac ? [applicationMenu(quit)] : []),
    { label: 'File', submenu: onMac ? [addFolder, atLogin, separator, close] : [addFolder, atLogin, separator, close, quit] },
    { role: 'editMenu' },
    viewMenu(isPackaged),
    { role: 'windowMenu' },
    { role: 'help', submenu: [{ label: 'Copy Diagnostics', click: () => actions.copyDiagnostics() }] },
  ];
}

/** The application's menu; on macOS that of the screen. */
export function installMenu(actions: MenuActions): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform, app.isPackaged, actions)));
}
