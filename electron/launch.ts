/** What a start of the application was asked for: by its command line, or by that of a second start which hands it over. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';

export interface Launch {
  /** Absolute paths of folders to add to the library. */
  folders: string[];
  /** Command line of the service. */
  serviceArgs: string[];
  /** Folder of Chromium's own state and of the window's place; one application runs for each. */
  profile: string;
}

const maxFolders = 100;
const handedOver = z.object({ folders: z.array(z.string().min(1).max(32_768).refine(path.isAbsolute)).max(maxFolders) });

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const given = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/**
 * Reads a command line. Switches that are Chromium's or the system's are passed over.
 *
 * @param words what follows the application itself
 * @param applicationState the platform's folder for the state of applications
 */
export function parseLaunch(words: string[], cwd: string, applicationState: string, env: NodeJS.ProcessEnv = process.env): Launch {
  const options = { home: { type: 'string' }, store: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true, strict: false });
  const [home, store] = [given(values.home) ?? env['CAIRN_HOME'], given(values.store)];
  const profile = home ? path.resolve(cwd, home, 'desktop') : path.join(applicationState, 'Cairn', 'desktop');
  const folders = positionals.map((word) => path.resolve(cwd, word)).filter(isFolder);
  const serviceArgs = [...(home ? ['--home', path.resolve(cwd, home)] : []), ...(store ? ['--store', path.resolve(cwd, store)] : [])];
  return { folders: folders.slice(0, maxFolders), serviceArgs, profile };
}

/** The folders that a second start hands over; none where it is no second start of ours. */
export function foldersOf(additional: unknown): string[] {
  return handedOver.safeParse(additional).data?.folders.filter(isFolder) ?? [];
}
