// Finds a clang that can build for libFuzzer and the sanitizers.
import { spawnSync } from 'node:child_process';

// Debian's are named after their version only, unless its package "clang" is there too.
const names = ['clang++', ...Array.from({ length: 16 }, (_, index) => `clang++-${28 - index}`)];
const target = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';

/**
 * The first clang++ on the path, or the one that CLANG names.
 *
 * @returns its command
 * @throws Error in one line: what is missing, and the packages that bring it.
 */
export function findClang(): string {
  const wanted = process.env.CLANG ? [process.env.CLANG] : names;
  const found = wanted.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (!found)
    throw new Error(
      `${process.env.CLANG ?? 'clang++'}: not found, and libFuzzer needs it; install clang (Debian: clang-14 libclang-rt-14-dev)`,
    );
  const flags = ['-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', '/dev/null'];
  const linked = spawnSync(found, flags, { input: target, stdio: ['pipe', 'ignore', 'ignore'] });
  if (linked.status !== 0) {
    const version = /\d+$/.exec(found)?.[0] ?? '14';
    throw new Error(`${found}: can't link libFuzzer and the sanitizers; install its runtime (Debian: libclang-rt-${version}-dev)`);
  }
  return found;
}
