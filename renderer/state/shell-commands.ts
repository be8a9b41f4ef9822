/** The commands that are there on every page. */
import { text } from '../ui/text.ts';
import { rebuild, verify } from './actions.svelte.ts';
import type { Command } from './commands.svelte.ts';
import { shell } from '../bridge/shell.ts';
import { dialogs } from './dialogs.svelte.ts';
import { library } from './library.svelte.ts';
import { preferences, type Theme } from './preferences.svelte.ts';
import { place, type Route } from './route.svelte.ts';
import { toasts } from './toasts.svelte.ts';

const groups = text.palette.groups;

function go(id: string, title: string, keys: string, route: Route): Command {
  return { id: `go-${id}`, title, keys, group: groups.go, run: () => place.go(route) };
}

function theme(to: Theme): Command {
  return {
    id: `theme-${to}`,
    title: text.themeSwitch(text.settings.themes[to]),
    group: groups.appearance,
    run: () => void (preferences.theme = to),
  };
}

/** Asks for a folder and adds it. */
export async function addFolder(): Promise<void> {
  const path = await dialogs.pickFolder(text.library.addTitle);
  if (path !== undefined) await library.add(path);
}

/** Commands that are there on every page. */
export function shellCommands(): Command[] {
  return [
    {
      id: 'palette',
      title: text.palette.title,
      keys: 'mod+k',
      group: groups.actions,
      run: () => void (dialogs.open = { kind: 'palette' }),
    },
    {
      id: 'shortcuts',
      title: text.shortcuts.title,
      keys: '?',
      group: groups.actions,
      run: () => void (dialogs.open = { kind: 'shortcuts' }),
    },
    go('library', text.nav.library, 'g l', { view: 'library' }),
    go('insights', text.nav.insights, 'g i', { view: 'insights' }),
    go('jobs', text.nav.jobs, 'g j', { view: 'jobs' }),
    go('schedules', text.schedules.title, 'g c', { view: 'schedules' }),
    go('store', text.nav.store, 'g s', { view: 'store' }),
    go('settings', text.nav.settings, 'g e', { view: 'settings' }),
    { id: 'add', title: text.library.addFolder, keys: 'n', group: groups.actions, run: () => void addFolder() },
    { id: 'set-up', title: text.library.setUp, group: groups.actions, run: () => void (dialogs.open = { kind: 'setup' }) },
    { id: 'sample', title: text.library.trySample, group: groups.actions, run: () => void library.addSample() },
    {
      id: 'rescan',
      title: text.library.rescanAll,
      keys: 'u',
      group: groups.actions,
      disabled: library.scanning,
      run: () => void library.scan(),
    },
    {
      id: 'verify-data',
      title: `${text.nav.store}: ${text.store.verifyData}`,
      group: groups.actions,
      run: () => void verify(undefined, 'data'),
    },
    {
      id: 'verify-structure',
      title: `${text.nav.store}: ${text.store.verifyStructure}`,
      group: groups.actions,
      run: () => void verify(undefined, 'structure'),
    },
    {
      id: 'prune',
      title: `${text.nav.store}: ${text.store.prune}`,
      group: groups.actions,
      run: () => void (dialogs.open = { kind: 'prune' }),
    },
    { id: 'rebuild', title: `${text.nav.store}: ${text.store.rebuild}`, group: groups.actions, run: () => askRebuild() },
    ...diagnosticsCommand(),
    theme('system'),
    theme('light'),
    theme('dark'),
    {
      id: 'contrast',
      title: preferences.contrast === 'more' ? text.settings.contrastOfSystem : text.settings.highContrast,
      group: groups.appearance,
      run: () => void (preferences.contrast = preferences.contrast === 'more' ? 'system' : 'more'),
    },
  ];
}

/** Only the desktop has a log and a clipboard of its own. */
function diagnosticsCommand(): Command[] {
  const desktop = shell();
  if (!desktop) return [];
  const copy = async (): Promise<void> => {
    try {
      await desktop.copyDiagnostics();
      toasts.show({ tone: 'plain', title: text.diagnostics.copied, detail: text.diagnostics.detail });
    } catch (thrown) {
      toasts.fail(text.diagnostics.cannot, thrown);
    }
  };
  return [{ id: 'diagnostics', title: text.diagnostics.copy, group: groups.actions, run: () => void copy() }];
}

/** Asks before the catalogue is made anew. */
export function askRebuild(): void {
  dialogs.open = {
    kind: 'confirm',
    question: {
      title: text.store.rebuildTitle,
      detail: text.store.rebuildDetail,
      confirm: text.store.rebuild,
      command: 'cairn rebuild',
      act: () => void rebuild(),
    },
  };
}
