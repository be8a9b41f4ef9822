/** A schedule while it is edited: fields as people type them, and the draft that they make. */
import { inForm, noRules, optional, retentionOf } from '../../state/retention-form.ts';
import type { CodingMethod, Hooks, Retention, ScheduleDraft, ScheduleView, Trigger, Work } from '../../../core/contract/model.ts';

export class ScheduleForm {
  readonly id: string | undefined;
  readonly #enabled: boolean;
  work = $state<Work['kind']>('archive');
  percent = $state('25');
  name = $state('');
  /** One a line. */
  folder = $state('');
  kind = $state<Trigger['kind']>('watch');
  expression = $state('30 2 * * *');
  timeZone = $state('');
  minutes = $state('60');
  runs = $state('*');
  olderThan = $state('0');
  leaveNewest = $state('0');
  keyframeEvery = $state('');
  method = $state<CodingMethod>('cairn');
  verifyAfter = $state(false);
  quietFrom = $state('');
  quietTo = $state('');
  threads = $state('');
  battery = $state(true);
  release = $state(false);
  keepNewest = $state('1');
  placeholder = $state(false);
  trash = $state(false);
  /** Whether the rules below hold; those left empty say nothing. */
  retains = $state(false);
  readonly rules = $state(noRules());
  /** One word a line. */
  before = $state('');
  after = $state('');
  hookMinutes = $state('10');

  constructor(schedule?: ScheduleView) {
    this.id = schedule?.id;
    this.#enabled = schedule?.enabled ?? true;
    if (!schedule) return;
    const { name, work, paths, trigger, policy } = schedule;
    this.work = work.kind;
    if (work.kind === 'verify') this.percent = String(work.percent);
    this.retains = policy.retention !== undefined;
    for (const [rule, value] of Object.entries(policy.retention ?? {})) this.rules[rule as keyof Retention] = inForm(rule, value);
    this.name = name;
    this.folder = paths.join('\n');
    this.kind = trigger.kind;
    if (trigger.kind === 'cron') [this.expression, this.timeZone] = [trigger.expression, trigger.timeZone ?? ''];
    if (trigger.kind === 'interval' || trigger.kind === 'idle') this.minutes = String(trigger.minutes);
    this.runs = policy.runs;
    this.olderThan = String(policy.olderThanMinutes);
    this.leaveNewest = String(policy.leaveNewest);
    this.keyframeEvery = String(policy.keyframeEvery ?? '');
    this.method = policy.method;
    this.verifyAfter = policy.verifyAfter;
    [this.quietFrom, this.quietTo] = [policy.quiet?.from ?? '', policy.quiet?.to ?? ''];
    this.threads = String(policy.threads ?? '');
    this.release = policy.release !== undefined;
    this.keepNewest = String(policy.release?.keepNewest ?? 1);
    this.battery = policy.battery === 'wait';
    this.placeholder = policy.release?.placeholder ?? false;
    this.trash = policy.release?.trash ?? false;
    [this.before, this.after] = [policy.hooks?.before?.join('\n') ?? '', policy.hooks?.after?.join('\n') ?? ''];
    this.hookMinutes = String(policy.hooks?.timeoutMinutes ?? 10);
  }

  get trigger(): Trigger {
    const zone = this.timeZone.trim();
    if (this.kind === 'cron') return { kind: 'cron', expression: this.expression.trim(), ...(zone === '' ? {} : { timeZone: zone }) };
    if (this.kind === 'watch') return { kind: 'watch' };
    return { kind: this.kind, minutes: Number(this.minutes) };
  }

  get #hooks(): Hooks | undefined {
    const words = (lines: string): string[] | undefined => {
      const given = lines.split('\n').filter((line) => line !== '');
      return given.length > 0 ? given : undefined;
    };
    const [before, after] = [words(this.before), words(this.after)];
    return before || after ? { before, after, timeoutMinutes: Number(this.hookMinutes) } : undefined;
  }

  get #folders(): string[] {
    const lines = this.folder.split('\n').map((line) => line.trim());
    return lines.filter((line) => line !== '');
  }

  /** Lines that the field shows. */
  get folderLines(): number {
    return Math.min(6, this.folder.split('\n').length);
  }

  /** Another one beside those that are there. */
  addFolder(path: string): void {
    this.folder = [...this.#folders.filter((folder) => folder !== path), path].join('\n');
  }

  get draft(): ScheduleDraft {
    const verifies = this.work === 'verify';
    return {
      name: this.name.trim(),
      enabled: this.#enabled,
      work: verifies ? { kind: 'verify', percent: Number(this.percent) } : { kind: 'archive' },
      paths: verifies ? [] : this.#folders,
      trigger: this.trigger,
      policy: {
        runs: this.runs.trim() || '*',
        olderThanMinutes: Number(this.olderThan),
        leaveNewest: Number(this.leaveNewest),
        keyframeEvery: optional(this.keyframeEvery),
        method: this.method,
        verifyAfter: this.verifyAfter,
        quiet: this.quietFrom && this.quietTo ? { from: this.quietFrom, to: this.quietTo } : undefined,
        threads: optional(this.threads),
        release: this.release ? { keepNewest: Number(this.keepNewest), placeholder: this.placeholder, trash: this.trash } : undefined,
        retention: this.retains && !verifies ? retentionOf(this.rules) : undefined,
        battery: this.battery ? 'wait' : 'ignore',
        hooks: this.#hooks,
      },
    };
  }
}
