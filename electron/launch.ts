/** What a start of the application was asked for: by its command line, or by that of a second start which hands it over. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { linkScheme, placeOf, placeSchema } from './link.ts';

/** What a running application does for whoever starts it again. */
export interface Request {
  /** Absolute paths of folders to add to the library. */
  folders: string[];
  /** Where in the interface a link leads. */
  place?: string | undefined;
  /** Folder of a store to open instead of the present one. */
  store?: string | undefined;
}

export interface Launch extends Request {
  /** Folder of the store that the command line names as the one to begin with. */
  store?: string | undefined;
  /** Folder of the store whose file was opened: somebody else may have laid it there, so it is opened only after asking. */
  opened?: string | undefined;
  /** Without a window, as systems start it at log-in. */
  hidden: boolean;
  /** Where the service has its home; absent: its own default. */
  home?: string | undefined;
  /** Folder of Chromium's own state and of the window's place; one application runs for each. */
  profile: string;
}

const maxFolders = 100;
const absolutePath = z
  .string()
  .min(1)
  .max(32_768)
  .refine((place) => path.isAbsolute(place) && !place.includes('\0'));
const handedOver = z.object({
  folders: z.array(absolutePath).max(maxFolders),
  place: placeSchema.optional(),
  store: absolutePath.optional(),
});

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isFile() ?? false;
}

const isStore = (folder: string): boolean => isFile(path.join(folder, 'cairn.json'));

/** The store that a file of ours stands for (FORMAT.md section 1), as systems pass it when it is opened. */
export function storeOf(file: string): string | undefined {
  const folder = path.dirname(file);
  return path.basename(file) === 'open.cairn' && isFile(file) && isStore(folder) ? folder : undefined;
}

/** Linux passes what is opened with an application as addresses of files. Undefined: one of another machine, or none that can be read. */
function pathOf(word: string, cwd: string): string | undefined {
  if (!word.startsWith('file:')) return path.resolve(cwd, word);
  try {
    const place = word.startsWith('file:///') ? fileURLToPath(word) : '\0';
    return place.includes('\0') ? undefined : place; // no file has it in its name
  } catch {
    return undefined;
  }
}

const given = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/**
 * Reads a command line. Switches that are Chromium's or the system's are passed over.
 *
 * @param words what follows the application itself
 * @param applicationState the platform's folder for the state of applications
 */
export function parseLaunch(words: string[], cwd: string, applicationState: string, env: NodeJS.ProcessEnv = process.env): Launch {
  const options = { home: { type: 'string' }, store: { type: 'string' }, hidden: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true, strict: false });
  const [home, store] = [given(values.home) ?? env['CAIRN_HOME'], given(values.store)];
  const profile = home ? path.resolve(cwd, home, 'desktop') : path.join(applicationState, 'Cairn', 'desktop');
  const links = positionals.filter((word) => word.startsWith(`${linkScheme}:`));
  const paths = positionals.filter((word) => !links.includes(word)).flatMap((word) => pathOf(word, cwd) ?? []);
  return {
    folders: paths.filter(isFolder).slice(0, maxFolders),
    place: links.map(placeOf).find((place) => place !== undefined),
    store: store ? path.resolve(cwd, store) : undefined,
    opened: paths.map(storeOf).find((folder) => folder !== undefined),
    hidden: values.hidden === true,
    home: home ? path.resolve(cwd, home) : undefined,
    profile,
  };
}

/** The command line of the service of a home and store. */
export const serviceArgs = ({ home, store }: Pick<Launch, 'home' | 'store'>): string[] => [
  ...(home === undefined ? [] : ['--home', home]),
  ...(store === undefined ? [] : ['--store', store]),
];

/** What a second start asks for; nothing where it is no second start of ours, and of paths only what is there. */
export function requestOf(additional: unknown): Request {
  const { folders = [], place, store } = handedOver.safeParse(additional).data ?? {};
  return { folders: folders.filter(isFolder), place, store: store !== undefined && isStore(store) ? store : undefined };
}
