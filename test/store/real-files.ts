/** Packs and manifests that Cairn wrote (the golden stores), and what a liar makes of them: changed, and every sum made to fit. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { hashing } from '../../core/codec/hashing.ts';
import type { BlobEntry } from '../../core/store/blob-source.ts';
import { toHex } from '../../core/store/hashing.ts';
import {
  blockRawLength,
  encodeFooter,
  encodeTable,
  footerBytes,
  headerBytes,
  PackTable,
  parseFooter,
} from '../../core/store/pack-format.ts';
import { damaged, damages, type Damage } from './damage.ts';

const fixtures = path.resolve(import.meta.dirname, '../fixtures');
export const goldenStores = ['golden-v1-codecs/store', 'golden-v1-parts/store'].map((name) => path.join(fixtures, name));

/** A file and the id that its name states. */
export interface NamedFile {
  id: string;
  bytes: Buffer;
}

/** What fast-check shows of one: its bytes would fill pages. */
const shown = <T extends NamedFile>(file: T): T => Object.assign(file, { [fc.toStringMethod]: () => file.id });

export interface RealPack extends NamedFile {
  entries: BlobEntry[];
  /** Where its table begins. */
  tableAt: number;
}

function filesOf(stores: string[], extension: string): NamedFile[] {
  return stores.flatMap((store) =>
    readdirSync(store, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(extension))
      .sort()
      .map((name) => shown({ id: path.basename(name, extension), bytes: readFileSync(path.join(store, name)) })),
  );
}

function asPack({ id, bytes }: NamedFile): RealPack {
  const footer = parseFooter(bytes.subarray(-footerBytes), bytes.length, id);
  const table = bytes.subarray(footer.tableOffset, footer.tableOffset + footer.tableLength);
  return shown({ id, bytes, entries: [...new PackTable(table, footer, hashing, id).entries()], tableAt: footer.tableOffset });
}

export const packsOf = (...stores: string[]): RealPack[] => filesOf(stores, '.pack').map(asPack);
export const realPacks = packsOf(path.join(fixtures, 'golden-v1'), ...goldenStores);
export const snapshotIdsOf = (store: string): string[] => filesOf([store], '.manifest').map(({ id }) => id);
export const realManifests = filesOf([path.join(fixtures, 'golden-v1'), ...goldenStores], '.manifest');

/** A pack around a table, however strange, named after it. */
function packAround(front: Uint8Array, table: Uint8Array, blobCount: number): NamedFile {
  const footer = { tableOffset: front.length, tableLength: table.length, blobCount, tableChecksum: hashing.checksumBytes(table) };
  return { id: toHex(hashing.digestBytes(table)), bytes: Buffer.concat([front, table, encodeFooter(footer)]) };
}

/** A pack whose table says something else than was written. */
export function lyingTable(pack: RealPack, all: readonly Damage[], blobCount = pack.entries.length): NamedFile {
  return packAround(pack.bytes.subarray(0, pack.tableAt), damaged(pack.bytes.subarray(pack.tableAt, -footerBytes), all), blobCount);
}

/**
 * A pack with one block that no encoder wrote.
 *
 * @returns undefined where the block would be longer or shorter than any may be
 */
export function lyingBlock(pack: RealPack, which: number, all: readonly Damage[]): NamedFile | undefined {
  const front: Uint8Array[] = [pack.bytes.subarray(0, headerBytes)];
  let [left, at] = [which % pack.entries.reduce((sum, { lengths }) => sum + lengths.length, 0), headerBytes];
  const entries: BlobEntry[] = [];
  for (const entry of pack.entries) {
    const changed = { ...entry, offset: at, lengths: entry.lengths.slice(), checksums: entry.checksums.slice() };
    let from = entry.offset;
    for (const [index, length] of entry.lengths.entries()) {
      const sound = pack.bytes.subarray(from, from + length);
      const block = left-- === 0 ? damaged(sound, all) : sound;
      if (block.length < 1 || block.length > blockRawLength(entry, index) + 1) return undefined;
      [changed.lengths[index], changed.checksums[index]] = [block.length, hashing.checksumBytes(block)];
      front.push(block);
      from += length;
      at += block.length;
    }
    entries.push({ ...changed, storedLength: at - changed.offset });
  }
  return packAround(Buffer.concat(front), encodeTable(entries), entries.length);
}

/** A manifest of these bytes of record. @param stated how many the envelope says they are */
export function manifestAround(json: Uint8Array, payload = zstdCompressSync(json), stated = json.length): NamedFile {
  const [envelope, sum] = [Buffer.alloc(64), hashing.digestBytes(json)];
  envelope.write('CAIRNSNP');
  envelope.writeUInt32LE(1, 8);
  envelope.writeBigUInt64LE(BigInt(payload.length), 16);
  envelope.writeBigUInt64LE(BigInt(stated), 24);
  envelope.set(sum, 32);
  return { id: toHex(sum.subarray(0, 16)), bytes: Buffer.concat([envelope, payload]) };
}

export const jsonOf = ({ bytes }: NamedFile): Buffer => zstdDecompressSync(bytes.subarray(64));

const strange = [
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  '.',
  '..',
  '../x',
  '/x',
  'a//b',
  'a\0b',
  'x/../../y',
  'x'.repeat(40_000),
  null,
  [],
  {},
];
const change = fc.record({
  node: fc.nat(),
  how: fc.constantFrom('replace', 'nudge', 'nudge', 'remove', 'repeat'),
  value: fc.oneof(fc.constantFrom(...strange), fc.jsonValue({ maxDepth: 2 })),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Every place in a record: what holds it, and under which name. */
function nodesOf(holder: object): [object, string][] {
  return Object.entries(holder).flatMap(([name, value]) => [
    [holder, name] as [object, string],
    ...(typeof value === 'object' && value !== null ? nodesOf(value as object) : []),
  ]);
}

/** A value next to one, of its type: what schemas let pass. */
function nudged(value: unknown, by: number): unknown {
  if (typeof value === 'number') return value + (by % 3) - 1;
  return typeof value === 'string' ? `${value.slice(0, by % (value.length + 1))}1${value.slice((by % (value.length + 1)) + 1)}` : value;
}

function changed(record: object, { node, how, value }: Change): object {
  const nodes = nodesOf(record);
  if (nodes.length === 0) return record;
  const [holder, name] = nodes[node % nodes.length]! as [Record<string, unknown>, string];
  if (how === 'repeat' && Array.isArray(holder)) holder.push(structuredClone(holder[Number(name)]));
  else if (how === 'remove' && Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (how === 'remove') delete holder[name];
  else if (how === 'nudge') holder[name] = nudged(holder[name], node);
  else holder[name] = structuredClone(value);
  return record;
}

/** Manifests whose record says something else: other values in its members, or other bytes of JSON. */
export const lyingManifest: fc.Arbitrary<NamedFile> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...realManifests), fc.array(change, { minLength: 1, maxLength: 2 }))
    .map(([manifest, changes]) =>
      manifestAround(Buffer.from(JSON.stringify(changes.reduce(changed, JSON.parse(jsonOf(manifest).toString()) as object)))),
    ),
  fc.tuple(fc.constantFrom(...realManifests), damages).map(([manifest, all]) => manifestAround(damaged(jsonOf(manifest), all))),
);
