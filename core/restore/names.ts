/** Whether a file system can hold the names of a snapshot: decided before anything is restored, since it would take one file for another. */
import path from 'node:path';
import { CairnError } from '../contract/errors.ts';

/** What a target's file system and system make of names. */
export interface NameRules {
  /** "Model.bin" and "model.bin" are one file there. */
  ignoresCase: boolean;
  /** Names are those that Windows has: no reserved ones, none of its signs, no dot or blank at the end. */
  isWindows: boolean;
}

/** Devices have these names in every folder, with any extension (Microsoft, Naming Files, Paths, and Namespaces). */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]) *(\..*)?$/i;
const signs = /[<>:"|?*\\\u0000-\u001f]/;

/** What Windows has against a single name; undefined: nothing. */
export function windowsObjection(name: string): string | undefined {
  if (reserved.test(name)) return 'that name belongs to a device';
  const [sign] = signs.exec(name) ?? [];
  if (sign !== undefined) return `a name can't hold ${JSON.stringify(sign)}`;
  return /[. ]$/.test(name) ? "a name can't end with a dot or a blank" : undefined;
}

/** As file systems that ignore case compare names: composed, in small letters. */
const folded = (name: string): string => name.normalize('NFC').toLowerCase();

/**
 * @param entries paths of files, folders and links relative to the target, "/" between names
 * @throws CairnError `unsupported` naming the first that can't be there, or the two that would be one
 */
export function assertNameable(entries: readonly string[], { ignoresCase, isWindows }: NameRules): void {
  const seen = new Map<string, string>();
  for (const entry of entries) {
    for (const name of entry.split('/')) {
      const objection = isWindows ? windowsObjection(name) : undefined;
      if (objection !== undefined)
        throw new CairnError('unsupported', `${entry}: Windows refuses it, ${objection}; restore other files (--files), or elsewhere`, {
          path: entry,
        });
    }
    if (ignoresCase) assertAlone(entry, seen);
  }
}

/** Each part of a path must be written as it was before: "A/x" and "a/y" need two folders. */
function assertAlone(entry: string, seen: Map<string, string>): void {
  const names = entry.split('/');
  for (let length = 1; length <= names.length; length++) {
    const place = names.slice(0, length).join('/');
    const before = seen.get(folded(place));
    if (before !== undefined && before !== place) {
      const message = `${place} and ${before}: the target's file system takes them for one; restore one of them at a time (--files), or elsewhere`;
      throw new CairnError('unsupported', message, { path: place });
    }
    seen.set(folded(place), place);
  }
}

/** Whether a folder's file system ignores case, by asking for a name that is there in other letters. @param there an entry of the folder */
export async function ignoresCase(there: string, exists: (place: string) => Promise<boolean>): Promise<boolean> {
  const name = path.basename(there);
  const other = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
  return other !== name && (await exists(path.join(path.dirname(there), other)));
}
