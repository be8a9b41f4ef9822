import { expect, test } from 'vitest';
import { menuTemplate } from '../../electron/menu.ts';
import { comingLine, statusLine } from '../../electron/tray.ts';
import { isDelicate, Wakefulness } from '../../electron/power.ts';
import { powerSaveBlocker } from './harness/system.ts';
import { scheduleDraft, type Job, type ScheduleView } from '../../core/contract/model.ts';

const actions = {
  addFolder: () => undefined,
  copyDiagnostics: () => undefined,
  opensAtLogin: () => false,
  openAtLogin: () => undefined,
  quit: () => undefined,
};
const labels = (platform: NodeJS.Platform, isPackaged: boolean): string =>
  menuTemplate(platform, isPackaged, actions)
    .flatMap((menu) => [
      menu.label ?? menu.role,
      ...(Array.isArray(menu.submenu) ? menu.submenu.map((item) => item.label ?? item.role ?? '-') : []),
    ])
    .join(' ');

test('on the Mac quitting is in the application’s menu, elsewhere below File', () => {
  expect(labels('darwin', true)).toMatch(/^Cairn about .* Quit Cairn File Add Folder… Open at Login - close editMenu/);
  expect(labels('linux', true)).toMatch(/^File Add Folder… Open at Login - close Quit Cairn editMenu/);
  expect(labels('win32', true)).toBe(labels('linux', true));
});

test('a packaged application has no tools for engineers', () => {
  expect(labels('linux', true)).not.toMatch(/reload|toggleDevTools/);
  expect(labels('linux', false)).toMatch(/reload toggleDevTools/);
});

function job(title: string, state: Job['state'], etaMs?: number): Job {
  const progress = { phase: '', bytesDone: 1, bytesTotal: 4, itemsDone: 0, itemsTotal: 1, bytesPerSecond: 0, etaMs };
  const error = { code: 'no_space' as const, message: 'the disk is full' };
  return {
    id: title,
    kind: 'archive',
    title,
    command: '',
    state,
    queued: '2026-01-01T00:00:00Z',
    progress,
    ...(state === 'failed' ? { error } : {}),
  };
}
const jobs = (active: Job[], failed?: Job, fraction?: number) => {
  return { active, running: active.filter(({ state }) => state === 'running'), failed, fraction };
};

test('the status line says what runs, how far it is, how long it takes, and how many wait', () => {
  expect(statusLine(jobs([]))).toBe('Nothing is running');
  expect(statusLine(jobs([job('Archive a', 'queued')]))).toBe('Archive a');
  expect(statusLine(jobs([job('Archive a', 'running', 200_000)], undefined, 0.259))).toBe('Archive a · 25 % · 3 min left');
  expect(statusLine(jobs([job('Archive a', 'running', 5_000), job('Verify', 'queued')], undefined, 0.999))).toBe(
    'Archive a · 99 % · less than a minute left · 1 more',
  );
  expect(statusLine(jobs([], job('Archive a', 'failed')))).toBe('Archive a failed: the disk is full');
});

const schedule = (name: string, upcoming: string[] = []): ScheduleView => ({
  ...scheduleDraft.parse({ name, paths: ['/runs'], trigger: { kind: 'watch' } }),
  ...{ id: name, created: '2026-01-01T00:00:00Z', upcoming },
});

test('the line below says what comes next, or until when everything is paused', () => {
  expect(comingLine({ pause: undefined, enabled: [] })).toBeUndefined();
  expect(comingLine({ pause: undefined, enabled: [schedule('watch')] })).toBe('On: watch');
  expect(comingLine({ pause: undefined, enabled: [schedule('watch'), schedule('idle')] })).toBe('On: watch and 1 more');
  const later = schedule('weekly', ['2026-01-09T12:00:00Z']);
  expect(comingLine({ pause: undefined, enabled: [schedule('watch'), later, schedule('daily', ['2026-01-08T12:00:00Z'])] })).toMatch(
    /^Next: daily, Thu/,
  );
  expect(comingLine({ pause: {}, enabled: [later] })).toBe('Paused until resumed');
  expect(comingLine({ pause: { until: '2026-01-08T12:00:00Z' }, enabled: [] })).toMatch(/^Paused until Thu/);
});

test('the machine is kept awake while a job commits or releases, and not for the rest of it', () => {
  const at = (phase: string): Job => ({ ...job('Archive a', 'running'), progress: { ...job('', 'running').progress, phase } });
  expect(isDelicate([])).toBe(false);
  expect(['archive', 'prove', 'commit', 'release', 'data'].filter((phase) => isDelicate([at('archive'), at(phase)]))).toEqual([
    'commit',
    'release',
  ]);
  const wakefulness = new Wakefulness();
  for (const phase of ['archive', 'commit', 'release']) wakefulness.keep(isDelicate([at(phase)]));
  expect([powerSaveBlocker.started, powerSaveBlocker.running.size]).toEqual([1, 1]);
  wakefulness.keep(isDelicate([at('prove')]));
  expect(powerSaveBlocker.running.size).toBe(0);
});
