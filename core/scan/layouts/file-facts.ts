/**
 * What is known of single files: their headers and the few values that recognisers read from small state files. A
 * file with the identity of an earlier scan is not opened again.
 */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { CairnError } from '../../contract/errors.ts';
import { readLayout } from '../formats/registry.ts';
import type { FileLayout } from '../file-layout.ts';
import type { Gate, TreeFile } from '../folder-tree.ts';
import type { FileHeader, FileIdentity, KnownFile } from '../found.ts';
import { mayHoldTensors } from './file-kinds.ts';

/** Looks a file of an earlier scan up by its absolute path. */
export type PreviousFiles = (path: string) => KnownFile | undefined;

/** Goes up when readers or recognisers read more from a file than before, so that rescans read it again. */
const headerVersion = 1;

/** State files larger than this are not read. */
const maxTextBytes = 128 * 1024 * 1024;

/** Whether a file is as it was: size, time of change, inode and device. */
function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.inode === b.inode && a.device === b.device;
}

export class FileFacts {
  readonly #gate: Gate;
  readonly #previous: PreviousFiles;
  readonly #headers = new Map<string, FileHeader>();

  constructor(gate: Gate, previous: PreviousFiles = () => undefined) {
    this.#gate = gate;
    this.#previous = previous;
  }

  /** The header as known so far, without reading. */
  known(file: TreeFile): FileHeader | undefined {
    const held = this.#headers.get(file.path);
    if (held) return held;
    const before = this.#previous(file.path);
    if (before?.header.version !== headerVersion || !sameIdentity(before, file)) return undefined;
    this.#headers.set(file.path, before.header);
    return before.header;
  }

  /** Reads the file's header where it may have one and that was not done before. Never throws for one file. */
  async header(file: TreeFile): Promise<FileHeader> {
    const known = this.known(file);
    if (known && known.format !== unread) return known;
    const header = { ...(await this.#readHeader(file)), ...(known?.facts && { facts: known.facts }) };
    this.#headers.set(file.path, header);
    return header;
  }

  /**
   * A value read from the file by `read`, remembered under `question` for later scans.
   *
   * @param schema of the value, which may come back from a catalogue
   * @returns undefined where the file can't be read as asked
   */
  async fact<T>(file: TreeFile, question: string, schema: z.ZodType<T>, read: (file: TreeFile) => Promise<T>): Promise<T | undefined> {
    const known = this.known(file)?.facts;
    if (known && question in known) return this.recall(file, question, schema);
    const value = await this.#gate(() => read(file)).catch(() => undefined);
    this.remember(file, question, value ?? null);
    return value;
  }

  /** The value remembered under `question`; undefined where there is none of this shape. */
  recall<T>(file: TreeFile, question: string, schema: z.ZodType<T>): T | undefined {
    const parsed = schema.safeParse(this.known(file)?.facts?.[question]);
    return parsed.success ? parsed.data : undefined;
  }

  /** Waits for its turn among all reads of the scan. */
  inTurn<T>(read: () => Promise<T>): Promise<T> {
    return this.#gate(read);
  }

  /** Keeps a plain JSON value with the file's header. */
  remember(file: TreeFile, question: string, value: unknown): void {
    const header = this.known(file) ?? blank;
    this.#headers.set(file.path, { ...header, facts: { ...header.facts, [question]: value } });
  }

  async #readHeader(file: TreeFile): Promise<FileHeader> {
    if (file.size === 0 || !mayHoldTensors(file.name)) return { ...blank, format: 'bytes' };
    try {
      return headerOf(await this.#gate(() => readLayout(file.path)));
    } catch (thrown) {
      const note = thrown instanceof CairnError ? thrown.message : `can't be read: ${String(thrown)}`;
      return { ...blank, format: 'bytes', unreadable: true, note };
    }
  }
}

/** Stands for a header of which only facts were asked. */
const unread = '';
const blank: FileHeader = { version: headerVersion, format: unread, whole: false };

function headerOf(layout: FileLayout): FileHeader {
  const { format, note, damaged } = layout;
  const whole = format !== 'bytes' && !damaged;
  return { version: headerVersion, format, whole, ...(damaged && { damaged }), ...(note !== undefined && { note }) };
}

/** The text of a small file. @throws where it is larger than a state file can be */
export async function readText(file: TreeFile, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string> {
  if (file.size > maxTextBytes)
    throw new CairnError('bad_input', `${file.path}: too large for a state file; check it`, { path: file.path });
  return readFile(file.path, encoding);
}

const endOfZip = Buffer.from('PK\x05\x06');
const endOfZipBytes = 22;
const endOfPickle = 0x2e;
/** What torch.save began with before it wrote archives; tensors follow its pickles, and show no end here. */
const legacyTorch = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

/** Whether a small file of Python's was written to its end: an archive by the record that ends its directory, a pickle by its STOP. */
export async function isEnded(file: TreeFile): Promise<boolean> {
  const bytes = Buffer.from(await readText(file, 'latin1'), 'latin1');
  if (bytes.toString('latin1', 0, 2) === 'PK') return bytes.subarray(-endOfZipBytes).indexOf(endOfZip) === 0;
  return bytes.at(-1) === endOfPickle || (bytes.indexOf(legacyTorch) === 0 && bytes.length > legacyTorch.length);
}

/** JSON as Python writes it: with NaN and Infinity, which become null. */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/(?<=[:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g, 'null'));
  }
}
