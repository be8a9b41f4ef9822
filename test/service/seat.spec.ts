/** Several services of one home: one has the seat, the next takes over when it is gone, and none runs a schedule twice. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Catalogue } from '../../core/catalogue/catalogue.ts';
import { Seat } from '../../core/service/seat.ts';
import { Served } from './served.ts';

describe('a seat', () => {
  let folder: string;
  let catalogue: Catalogue;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'cairn-seat-'));
    catalogue = Catalogue.open(path.join(folder, 'catalogue.sqlite'));
  });
  afterEach(() => {
    catalogue.close();
    rmSync(folder, { recursive: true });
  });
  const file = (): string => path.join(folder, 'service.json');
  const seat = (name: string): Seat => new Seat(folder, catalogue, name);
  const leave = (owner: object, seenMs: number): void => writeFileSync(file(), JSON.stringify({ owner, service: 'gone', seenMs }));

  it('is had by one, kept, and free when that one leaves', () => {
    const [one, two] = [seat('one'), seat('two')];
    expect([one.take(0), two.take(0), one.take(1), two.take(120_000), one.take(120_000)]).toEqual([true, false, true, false, true]);
    two.leave();
    expect(two.take(120_001)).toBe(false);
    one.leave();
    expect([two.take(120_002), one.take(120_002)]).toEqual([true, false]);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ owner: { pid: process.pid }, service: 'two', seenMs: 120_002 });
  });

  it('of a process that was killed is free, also where its id was given to another', () => {
    leave({ host: hostname(), pid: 2 ** 22 - 7, started: '1' }, 5);
    expect(seat('one').take(10)).toBe(true);
    leave({ host: hostname(), pid: process.pid, started: 'another time' }, 5);
    expect(seat('two').take(10)).toBe(true);
  });

  it('of a process of another machine is kept while it is heard of', () => {
    leave({ host: 'elsewhere', pid: 1, started: '1' }, 1000);
    expect([seat('one').take(60_000), seat('one').take(700_000)]).toEqual([false, true]);
  });
});

describe('two services that stay', () => {
  it('share a home: the second says so, and when the first has ended takes over what it left', async () => {
    const first = await Served.open(undefined, { stays: true });
    const second = await Served.open(first.folder, { stays: true });
    expect([first.problems, second.problems]).toEqual([
      [],
      ['another service runs schedules of this home; this one takes over when that ends'],
    ]);
    await first.client.call('jobs.pause', {});
    const { job } = await first.client.call('archive.start', { paths: [await first.copyChain()] });
    await first.service.close();
    await second.client.call('jobs.resume', {});
    await expect.poll(async () => (await second.client.call('jobs.get', { id: job.id })).job.state, { interval: 50 }).toBe('done');
    await second.release();
  });
});
