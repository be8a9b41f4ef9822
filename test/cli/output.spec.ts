import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../core/contract/model.ts';
import { Output, type OutputStreams } from '../../core/host/cli/output.ts';

/** Streams that keep what is written; standard error may be a terminal of so many columns. */
function streams(columns?: number): { streams: OutputStreams; text: () => { stdout: string; stderr: string } } {
  const made = {
    stdout: new PassThrough(),
    stderr: Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns }),
  };
  const text = () => ({ stdout: String(made.stdout.read() ?? ''), stderr: String(made.stderr.read() ?? '') });
  return { streams: made as unknown as OutputStreams, text };
}

function job(progress: Partial<Job['progress']>): Job {
  const none = { phase: 'encode', bytesDone: 0, bytesTotal: 0, itemsDone: 0, itemsTotal: 0, bytesPerSecond: 0 };
  return {
    id: 'a',
    kind: 'archive',
    title: '',
    command: '',
    state: 'running',
    queued: '2026-01-01T00:00:00.000Z',
    progress: { ...none, ...progress },
  };
}

const half = job({ bytesDone: 512 * 1024, bytesTotal: 1024 * 1024, itemsDone: 1, itemsTotal: 3, bytesPerSecond: 2048, etaMs: 65_000 });

describe('the progress line', () => {
  it('tells bytes, rate and time left on a terminal, and makes room for what follows', () => {
    const { streams: to, text } = streams(200);
    const out = new Output(false, to);
    out.progress(half);
    expect(text()).toEqual({ stdout: '', stderr: '\r\u001b[Kencode  512.0 KiB of 1.0 MiB (50 %)  1 of 3  2.0 KiB/s  1 min 5 s left' });
    out.line('done');
    expect(text()).toEqual({ stdout: 'done\n', stderr: '\r\u001b[K' });
    out.line('more');
    expect(text()).toEqual({ stdout: 'more\n', stderr: '' });
  });

  it('promises nothing while the rate has not settled, and stays in one line', () => {
    const { streams: to, text } = streams(20);
    const out = new Output(false, to);
    out.progress(job({ bytesDone: 5, bytesTotal: 10 }));
    out.progress(half);
    const shown = text().stderr.split('\r\u001b[K').slice(1);
    expect(shown[0]).not.toContain('left');
    for (const line of shown) expect(line.length).toBeLessThan(20);
  });

  it('is not shown where standard error is no terminal', () => {
    const { streams: to, text } = streams();
    new Output(false, to).progress(half);
    expect(text()).toEqual({ stdout: '', stderr: '' });
  });

  it('is a record a second with --json', () => {
    const { streams: to, text } = streams(80);
    const out = new Output(true, to);
    out.progress(half);
    out.progress(half);
    const { stdout, stderr } = text();
    expect(JSON.parse(stdout)).toEqual({ type: 'progress', ...half.progress });
    expect(stderr).toBe('');
  });
});

describe('words', () => {
  it('are for people or for programs, errors for both', () => {
    for (const json of [false, true]) {
      const { streams: to, text } = streams();
      const out = new Output(json, to);
      out.line('a line\u001b[1m');
      out.table(['t'], [['x']]);
      out.record('snapshot', { id: 'a\u001b' });
      out.summary({ n: 1 });
      out.error('went wrong\nreally');
      const { stdout, stderr } = text();
      expect(stderr).toBe('cairn: went wrong\\u{a}really\n');
      expect(stdout).toBe(json ? '{"type":"snapshot","id":"a\\u001b"}\n{"type":"summary","n":1}\n' : 'a line\\u{1b}[1m\nt\nx\n');
    }
  });
});
