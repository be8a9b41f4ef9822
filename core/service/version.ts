/** The version in package.json, which lies beside dist/ and, from sources, two folders up. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Cairn's own version, of package.json. */
export function version(): string {
  const place = import.meta.url.endsWith('.ts') ? '../../package.json' : '../package.json';
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))).version;
}
