/**
 * General compressors at usual settings, to compare with: those of node:zlib, and commands where the machine has them. One
 * thread each; times of commands include starting them and handing bytes through pipes.
 */
import { spawn } from 'node:child_process';
import { access, constants as fileConstants } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { CairnError } from '../contract/errors.ts';

export interface GeneralEngine {
  engine: string;
  compress(raw: Uint8Array): Promise<Uint8Array>;
  decompress(packed: Uint8Array): Promise<Uint8Array>;
}

const promised = { gzip: promisify(gzip), brotli: promisify(brotliCompress), zstd: promisify(zstdCompress) };

const zstdAt = (level: number): GeneralEngine => ({
  engine: `zstd -${level}`,
  compress: (raw) => promised.zstd(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
  decompress: promisify(zstdDecompress),
});

export const libraryEngines: readonly GeneralEngine[] = [
  { engine: 'gzip -6', compress: (raw) => promised.gzip(raw, { level: 6 }), decompress: promisify(gunzip) },
  {
    engine: 'brotli -5',
    compress: (raw) => promised.brotli(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    decompress: promisify(brotliDecompress),
  },
  zstdAt(3),
  zstdAt(19),
];

const commands: readonly (readonly [command: string, level: string])[] = [
  ['lz4', '-1'],
  ['bzip2', '-9'],
  ['xz', '-6'],
];

/** Hands bytes to a command and takes what it prints. @throws CairnError `io` where it can't be run or fails */
function pipe(command: string, args: readonly string[], input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const fail = (how: string): void => reject(new CairnError('io', `${command}: ${how}; leave it out or install it again`));
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.stdin.on('error', () => undefined); // told of by how it ends
    child.on('error', ({ message }) => fail(message));
    child.on('close', (code) => (code === 0 ? resolve(Buffer.concat(parts)) : fail(`ended with ${String(code)}`)));
    child.stdin.end(input);
  });
}

const canRun = (command: string): Promise<boolean> =>
  Promise.any(
    (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => access(path.join(folder, command), fileConstants.X_OK)),
  ).then(
    () => true,
    () => false,
  );

/** Compressors that this machine has as commands. */
export async function commandEngines(): Promise<GeneralEngine[]> {
  const there = await Promise.all(commands.map(([command]) => canRun(command)));
  return commands
    .filter((_, index) => there[index])
    .map(([command, level]) => ({
      engine: `${command} ${level}`,
      compress: (raw) => pipe(command, [level, '-c'], raw),
      decompress: (packed) => pipe(command, ['-d', '-c'], packed),
    }));
}

async function timed<T>(work: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const started = performance.now();
  const result = await work();
  return [result, (performance.now() - started) / 1000];
}

/**
 * Compresses and decompresses once.
 *
 * @throws CairnError `internal` where the bytes don't come back
 */
export async function measureGeneral(
  { engine, compress, decompress }: GeneralEngine,
  raw: Uint8Array,
): Promise<{ bytesStored: number; encodeSeconds: number; decodeSeconds: number }> {
  const [packed, encodeSeconds] = await timed(() => compress(raw));
  const [back, decodeSeconds] = await timed(() => decompress(packed));
  if (Buffer.compare(back, raw) !== 0)
    throw new CairnError('internal', `${engine}: does not give back what it compressed; please report it`);
  return { bytesStored: packed.length, encodeSeconds, decodeSeconds };
}
