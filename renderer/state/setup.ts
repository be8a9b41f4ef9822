/** The first set-up: a folder in the library, and a schedule that archives what is in it. */
import type { ScheduleDraft, Trigger } from '../../core/contract/model.ts';
import { text } from '../ui/text.ts';
import type { SetupMoment } from '../ui/words/setup.ts';
import { library } from './library.svelte.ts';
import { hrefOf } from './route.svelte.ts';
import { service } from './service.svelte.ts';
import { toasts } from './toasts.svelte.ts';

const triggers: Record<SetupMoment, Trigger> = {
  watch: { kind: 'watch' },
  nightly: { kind: 'cron', expression: '30 2 * * *' },
  idle: { kind: 'idle', minutes: 15 },
};

/** The last part of a path, by either system's separators. */
const lastPart = (path: string): string => path.split(/[\\/]/).findLast((part) => part !== '') ?? path;

/** A name that no schedule has yet. */
async function freeName(folder: string): Promise<string> {
  const taken = new Set((await service.call('schedules.list', {})).schedules.map(({ name }) => name));
  const name = text.setup.name(lastPart(folder));
  for (let number = 2; ; number++) {
    if (!taken.has(name)) return name;
    if (!taken.has(`${name} ${number}`)) return `${name} ${number}`;
  }
}

/**
 * Adds the folder, looks into it, and turns its schedule on.
 *
 * @throws CairnError as the service says; nothing is scheduled then
 */
export async function setUp(folder: string, moment: SetupMoment, leaveNewest: number): Promise<void> {
  const { path } = (await service.call('sources.add', { path: folder })).source;
  const name = await freeName(path);
  const policy: Partial<ScheduleDraft['policy']> = { leaveNewest };
  await service.call('schedules.save', { draft: { name, paths: [path], trigger: triggers[moment], policy } });
  void library.scan([path]);
  toasts.show({
    tone: 'plain',
    title: text.setup.isOn(name),
    link: { label: text.setup.show, href: hrefOf({ view: 'schedules' }) },
  });
}
