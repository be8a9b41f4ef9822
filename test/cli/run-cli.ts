/** Runs the real command line from its sources, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';

const entry = path.resolve('core/host/cli.ts');
/** Starting from sources means stripping types from all of them; once is enough for all tests. */
const compileCache = path.join(tmpdir(), 'cairn-test-compile-cache');

export interface Ran {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** The records of --json. */
  records: Record<string, unknown>[];
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ran>;
  /** What standard output holds as soon as the text is in it. */
  printed(text: string): Promise<string>;
}

export interface RunOptions {
  home: string;
  env?: Record<string, string>;
  nodeOptions?: string[];
}

export function startCli(args: string[], { home, env = {}, nodeOptions = [] }: RunOptions): Running {
  const child = spawn(process.execPath, [...nodeOptions, entry, ...args], {
    env: { ...process.env, CAIRN_HOME: home, CAIRN_STORE: '', NODE_COMPILE_CACHE: compileCache, ...env },
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (part: string) => (text[name] += part));
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (exitCode, signal) => {
      const records = args.includes('--json')
        ? text.stdout
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as Record<string, unknown>)
        : [];
      resolve({ exitCode, signal, ...text, records });
    });
  });
  const printed = async (wanted: string): Promise<string> => {
    while (!text.stdout.includes(wanted)) {
      if (child.exitCode !== null) throw new Error(`it ended without printing ${wanted}: ${text.stdout}${text.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return text.stdout;
  };
  return { child, ended, printed };
}

export const runCli = (args: string[], options: RunOptions): Promise<Ran> => startCli(args, options).ended;
