/** Schedules in a file of the home: they outlive the catalogue, and two processes never undo one another. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WriteHandle } from '../../core/catalogue/handles.ts';
import { migrations } from '../../core/catalogue/migrations/registry.ts';
import { ScheduleFile } from '../../core/catalogue/schedule-file.ts';
import { scheduleDraft, type Schedule, type ScheduleRun } from '../../core/contract/model.ts';
import { temporaryCatalogue } from './records.ts';

const held = temporaryCatalogue();
const home = (): string => dirname(held.path);
const open = (): ScheduleFile => ScheduleFile.open(home(), held.open());

const time = new Date(0).toISOString();
const schedule = (name: string): Schedule => ({
  ...scheduleDraft.parse({ name, paths: ['/runs'], trigger: { kind: 'watch' } }),
  id: `id-${name}`,
  created: time,
});
const run: ScheduleRun = { at: time, due: time, missed: 0, outcome: 'started', job: 'a' };

describe('the file of schedules', () => {
  test('begins without one, and gives back what was saved by name, with its history', () => {
    const file = open();
    expect([file.schedules(), file.queuePause(), readdirSync(home()).includes('schedules.json')]).toEqual([[], undefined, false]);
    for (const name of ['night 10', 'night 9', 'all']) file.saveSchedule(schedule(name), 5);
    file.addScheduleRun('id-all', run);
    file.addScheduleRun('unknown', run);
    expect(open().schedules()).toEqual(['all', 'night 9', 'night 10'].map((name) => ({ schedule: schedule(name), lastDueMs: 5 })));
    expect([file.scheduleRuns('id-all', 5), file.scheduleRuns('unknown', 5)]).toEqual([[run], []]);
    expect([file.removeSchedule('id-all'), file.removeSchedule('id-all'), file.scheduleRuns('id-all', 5)]).toEqual([true, false, []]);
    expect(readdirSync(home()).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('outlives the catalogue: what was settled is not due again, and the pause holds', () => {
    const catalogue = held.open();
    const file = ScheduleFile.open(home(), catalogue);
    file.saveSchedule(schedule('a'), 5);
    file.claimDue('id-a', 5, 70);
    file.saveQueuePause({ until: time });
    for (const suffix of ['', '-wal', '-shm']) rmSync(held.path + suffix, { force: true });
    const later = open();
    expect([later.schedules(), later.queuePause()]).toEqual([[{ schedule: schedule('a'), lastDueMs: 70 }], { until: time }]);
  });

  /** A catalogue as an earlier version left it, with schedule a, a run of it and a pause. */
  function writeEarlierCatalogue(): void {
    mkdirSync(home(), { recursive: true });
    const writer = new WriteHandle(held.path);
    for (const earlier of migrations.filter(({ number }) => number <= 50)) writer.script(earlier.sql);
    writer.script(`PRAGMA user_version = 50; PRAGMA application_id = ${0x43616972};`);
    writer.run('INSERT INTO schedules VALUES ($id, $record, 7)', { id: 'id-a', record: JSON.stringify(schedule('a')) });
    writer.run('INSERT INTO schedule_runs VALUES (1, $id, $at, $record)', { id: 'id-a', at: time, record: JSON.stringify(run) });
    writer.run('INSERT INTO queue_pause VALUES (1, NULL)');
    writer.close();
  }

  test('takes over what an earlier catalogue kept, once, also where the process ended before it was forgotten there', () => {
    writeEarlierCatalogue();
    writeFileSync(join(home(), 'schedules.json'), JSON.stringify({ schedules: [{ schedule: schedule('a'), lastDueMs: 9 }] }));
    expect(open().schedules()).toEqual([{ schedule: schedule('a'), lastDueMs: 9 }]);
  });

  test('takes over what an earlier catalogue kept', () => {
    writeEarlierCatalogue();
    const file = open();
    expect(file.schedules()).toEqual([{ schedule: schedule('a'), lastDueMs: 7 }]);
    expect([file.scheduleRuns('id-a', 5), file.queuePause()]).toEqual([[run], {}]);
    file.removeSchedule('id-a');
    file.saveQueuePause(undefined);
    expect([open().schedules(), open().queuePause()]).toEqual([[], undefined]);
  });

  test('shared by two processes lets one of them settle a due time, and keeps what each saves', () => {
    const [one, two] = [open(), open()];
    one.saveSchedule(schedule('a'), 5);
    two.saveSchedule(schedule('b'), 5);
    expect(one.schedules().map((kept) => kept.schedule.name)).toEqual(['a', 'b']);
    expect([two.claimDue('id-a', 5, 6), one.claimDue('id-a', 5, 6), one.claimDue('gone', 5, 6)]).toEqual([true, false, false]);
    expect(one.schedules()[0]!.lastDueMs).toBe(6);
    two.saveQueuePause({});
    expect(one.queuePause()).toEqual({});
  });

  test('keeps members of a later version, and refuses in one line what is no such file', () => {
    open().saveSchedule(schedule('a'), 5);
    const path = join(home(), 'schedules.json');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), later: [1] }));
    open().saveSchedule(schedule('b'), 5);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ later: [1], schedules: [{}, {}] });
    for (const content of ['', '{', '[]', '{"schedules": [{"id": 1}]}', '{"version": 2}']) {
      writeFileSync(path, content);
      expect(() => open()).toThrow(
        expect.objectContaining({ code: 'bad_input', message: expect.stringMatching(/^[^\n]*schedules\.json[^\n]*$/) as string }) as Error,
      );
      expect(readFileSync(path, 'utf8')).toBe(content);
    }
  });
});
