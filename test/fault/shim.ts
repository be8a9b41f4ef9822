/** The shim between a process and the system (shim.cc), compiled once, as an environment for a command. Linux only: LD_PRELOAD. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const source = path.resolve(import.meta.dirname, 'shim.cc');
const library = path.resolve('dist', 'test', 'shim.so');

export const systemFaults = [
  'write-eio',
  'write-enospc', // half is written, then the disk is full
  'write-short', // half is written, and said so
  'write-eintr',
  'write-lost', // nothing is written, and success is claimed
  'create-enospc',
  'truncate-enospc',
  'sync-eio',
  'rename-eio',
  'rename-lost', // success is claimed, but the name never appears
  'unlink-eio',
  'read-eio',
  'read-eintr',
  'read-short',
] as const;
export type SystemFault = (typeof systemFaults)[number];

/** The process is killed, before a file or folder gets its new name or right after. */
export type Kill = 'rename-kill' | 'renamed-kill';

export interface ShimOptions {
  /** Calls on files below it are concerned. */
  root: string;
  fault?: SystemFault | Kill;
  /** Concerned calls before the fault, or looks at the clock before it jumps. */
  at?: number;
  /** Is made when the fault happens. */
  struck?: string;
  /** Gets every change below `root`, in order. */
  trace?: string;
  /** The clock jumps by so much. */
  clockSeconds?: number;
}

const isCurrent = (): boolean => {
  const built = statSync(library, { throwIfNoEntry: false });
  return built !== undefined && built.mtimeMs >= statSync(source).mtimeMs;
};

function compiled(): string {
  if (isCurrent()) return library;
  mkdirSync(path.dirname(library), { recursive: true });
  // Renamed into place: another test file may load it meanwhile.
  const made = `${library}.${process.pid}`;
  execFileSync(process.env['CXX'] ?? 'g++', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-std=c++17', source, '-o', made, '-ldl']);
  renameSync(made, library);
  return library;
}

/** What a command's environment needs to run under the shim. */
export function shimmed({ root, fault, at = 0, struck = '', trace = '', clockSeconds = 0 }: ShimOptions): Record<string, string> {
  return {
    ...{ LD_PRELOAD: compiled(), SHIM_ROOT: root, SHIM_FAULT: fault ?? '', SHIM_AT: String(at) },
    ...{ SHIM_STRUCK: struck, SHIM_TRACE: trace, SHIM_CLOCK_S: String(clockSeconds) },
  };
}
