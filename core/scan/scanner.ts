/**
 * Looks for runs and checkpoints below folders: folder tree -> recognisers (one folder at a time, from the top) ->
 * contents and headers of what they claim -> a verdict on each checkpoint. Reads headers and small state files only;
 * what can't be read becomes a finding and never ends the scan.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { toCairnError } from '../contract/errors.ts';
import { createGate, readTree, treeFile, type Gate, type TreeFolder, type Walk } from './folder-tree.ts';
import type { FoundCheckpoint, FoundRun, ScanFinding, ScanResult } from './found.ts';
import { judge, nameLastGood, type Quiet } from './layouts/completeness.ts';
import { formatsOf, readContents } from './layouts/contents.ts';
import { FileFacts, type PreviousFiles } from './layouts/file-facts.ts';
import { partOf } from './layouts/file-kinds.ts';
import { printable } from '../contract/printable.ts';
import { isTemporaryName, naturalOrder, runName } from './layouts/names.ts';
import { readNeighbourhood } from './layouts/neighbourhood.ts';
import { recognise, type RunClaims } from './layouts/recognition.ts';
import { isFolder, type Claim } from './layouts/recogniser.ts';
import { findMissing } from './layouts/shards.ts';

export interface ScanOptions {
  /** Milliseconds since 1970. With it, a checkpoint that changed less than `quietMs` ago and can't prove that it is whole is being written. */
  now?: number;
  quietMs?: number;
  /** Every checkpoint has to be quiet, proved or not: for watching a trainer. */
  requireQuiet?: boolean;
  /** Files of an earlier scan; unchanged ones are not opened again. */
  previous?: PreviousFiles;
  signal?: AbortSignal;
  /** File system calls at once. */
  parallel?: number;
}

export const defaultQuietMs = 120_000;
const checkpointsAtOnce = 16;

/**
 * Recognises what is at and below `paths`. Each may be a source, a run, one checkpoint folder or one file; for a
 * checkpoint the result is its run with this checkpoint alone.
 *
 * @returns runs in natural order of their paths, and what could not be read
 * @throws AbortError where the signal is set; nothing else
 */
export async function scan(paths: readonly string[], options: ScanOptions = {}): Promise<ScanResult> {
  const findings: ScanFinding[] = [];
  const gate = createGate(options.parallel ?? 16);
  const scanning: Scanning = {
    walk: { gate, findings, signal: options.signal },
    facts: new FileFacts(gate, options.previous),
    turns: createGate(checkpointsAtOnce),
    quiet: quietOf(options),
  };
  const claimed: RunClaims[] = [];
  const roots = await realRoots(paths, findings);
  for (const path of roots) claimed.push(...(await scanRoot(path, scanning)));
  const runs = await Promise.all(mergeRuns(claimed).map((run) => describeRun(run, scanning)));
  options.signal?.throwIfAborted();
  runs.sort((a, b) => naturalOrder(a.path, b.path));
  return { runs, roots: [...roots, ...missingRoots(findings)], findings: findings.filter(isOutside(runs)) };
}

interface Scanning {
  walk: Walk;
  facts: FileFacts;
  /** Lets few checkpoints be looked into at once, so that memory doesn't grow with their number. */
  turns: Gate;
  quiet: Quiet;
}

function quietOf({ now, quietMs = defaultQuietMs, requireQuiet = false }: ScanOptions): Quiet {
  return { now, quietMs, required: requireQuiet };
}

/** Absolute paths without symbolic links, without those that lie below another of them. */
async function realRoots(paths: readonly string[], findings: ScanFinding[]): Promise<string[]> {
  const roots = new Set<string>();
  for (const path of paths) {
    try {
      roots.add(await realpath(resolve(path)));
    } catch (thrown) {
      findings.push(rootFinding(path, thrown));
    }
  }
  return [...roots].filter((root) => ![...roots].some((other) => other !== root && isBelow(root, other)));
}

function rootFinding(path: string, thrown: unknown): ScanFinding {
  const { code, message } = toCairnError(thrown);
  return { code, severity: 'error', path, message: printable(message) };
}

/** False for what was not entered at first and turned out to be a checkpoint's own, kept with it. */
function isOutside(runs: readonly FoundRun[]): (finding: ScanFinding) => boolean {
  const kept = new Set<string>();
  for (const { path, folders } of runs.flatMap((run) => run.checkpoints)) for (const folder of folders) kept.add(join(path, folder.path));
  return ({ code, path }) => code !== 'tool_cache' || !kept.has(path);
}

/** Paths asked for that are not there (any more). */
function missingRoots(findings: readonly ScanFinding[]): string[] {
  return findings.filter((finding) => finding.code === 'not_found').map((finding) => resolve(finding.path));
}

function isBelow(path: string, folder: string): boolean {
  const start = /[/\\]$/.test(folder) ? folder : folder + (process.platform === 'win32' ? '\\' : '/');
  return path.startsWith(start);
}

async function scanRoot(path: string, scanning: Scanning): Promise<RunClaims[]> {
  const { walk, facts } = scanning;
  try {
    const stats = await lstat(path, { bigint: true });
    const entry = stats.isDirectory() ? await readTree(path, walk) : treeFile(path, basename(path), stats);
    const around = await readNeighbourhood(entry, walk);
    const alone = around && selectClaim(await recognise(around, facts), path);
    if (alone) return [alone];
    if (!isFolder(entry)) return [singleFile(entry.path, { entry, step: 0, stepFrom: 'mtime' })];
    const runs = await recognise(entry, facts);
    if (runs.length === 0) walk.findings.push(nothingFound(entry));
    return runs;
  } catch (thrown) {
    scanning.walk.signal?.throwIfAborted();
    walk.findings.push(rootFinding(path, thrown));
    return [];
  }
}

/** The run of which the entry at `path` is a checkpoint, with that one alone. */
function selectClaim(runs: RunClaims[], path: string): RunClaims | undefined {
  for (const run of runs) {
    const claims = run.claims.filter((claim) => claim.entry.path === path && !claim.onlyFiles);
    if (claims.length > 0) return { ...run, claims };
  }
  return undefined;
}

function singleFile(path: string, claim: Claim): RunClaims {
  const folder = dirname(path);
  return { path: folder, name: runName(folder), layout: 'single', claims: [claim], losses: [] };
}

function nothingFound({ path }: TreeFolder): ScanFinding {
  const message = `${printable(path)}: no checkpoint was recognised here; give the folder of a run, a checkpoint or a file`;
  return { code: 'nothing_found', severity: 'warning', path, message };
}

/** Claims of one run that were found by several paths come together. */
function mergeRuns(claimed: RunClaims[]): RunClaims[] {
  const runs = new Map<string, RunClaims>();
  for (const run of claimed) {
    const before = runs.get(run.path);
    if (!before) runs.set(run.path, { ...run, claims: [...run.claims] });
    else {
      before.claims.push(...run.claims);
      if (run.losses.length > before.losses.length) before.losses = run.losses;
    }
  }
  return [...runs.values()];
}

async function describeRun(run: RunClaims, scanning: Scanning): Promise<FoundRun> {
  const checkpoints = await Promise.all(run.claims.map((claim) => scanning.turns(() => describeCheckpoint(claim, scanning))));
  checkpoints.sort((a, b) => a.step - b.step || naturalOrder(a.path, b.path));
  nameLastGood(checkpoints);
  return { path: run.path, name: run.name, layout: run.layout, checkpoints, losses: run.losses };
}

async function describeCheckpoint(claim: Claim, { walk, facts, quiet }: Scanning): Promise<FoundCheckpoint> {
  walk.signal?.throwIfAborted();
  const { files, folders, links, entries, problems } = await readContents(claim, walk, facts);
  const missing = await findMissing(entries, facts);
  for (const [at, entry] of entries.entries()) files[at]!.header = facts.known(entry) ?? files[at]!.header!;
  const unfinished = claim.unfinished ?? temporaryFolder(claim);
  // The last file of a distributed save names all others, so one that is whole is finished.
  const marked = claim.marked || entries.some((entry) => entry.name.endsWith('.distcp'));
  const verdict = judge({ files, problems, unfinished, marked, begun: claim.begun, missing }, quiet);
  return {
    path: claim.entry.path,
    ...(!isFolder(claim.entry) && { alone: true }),
    ...(claim.onlyFiles && { onlyFiles: true }),
    step: claim.step,
    stepFrom: claim.stepFrom,
    files,
    folders,
    links,
    ...verdict,
    parts: [...new Set(entries.map((entry) => partOf(entry.name)))].sort(),
    ...(claim.best && { best: true }),
    formats: formatsOf(files),
  };
}

function temporaryFolder({ entry, onlyFiles }: Claim): string | undefined {
  if (onlyFiles || !isFolder(entry) || !isTemporaryName(entry.name)) return undefined;
  return 'it has a temporary name: the save did not finish; remove it or save again';
}
