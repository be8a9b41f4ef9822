/** What the application needs at run time, as it is installed: package by package, with what each of them needs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface PackageFile {
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface RuntimePackage {
  name: string;
  version: string;
  licence: string;
  folder: string;
  /** The licence's text, where it comes with the package. */
  text: string | undefined;
}

const readPackage = (folder: string): PackageFile => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as PackageFile;

/** The folder of a package as Node finds it from another one; undefined where it is not installed (an optional one for another system). */
function folderOf(name: string, from: string, root: string): string | undefined {
  for (let place = from; ; place = path.dirname(place)) {
    const folder = path.join(place, 'node_modules', name);
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (place === root || place === path.dirname(place)) return undefined;
  }
}

/** Node itself serves a checkout; what is shipped runs in Electron or in the user's Node. */
const isNode = (name: string): boolean => /^node-(linux|darwin|win)-/.test(name);

/**
 * Every package below `dependencies`, once, by name.
 *
 * @throws where one that must be there is missing
 */
export function runtimePackages(root: string): RuntimePackage[] {
  const found = new Map<string, RuntimePackage>();
  const waiting = [root];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = readPackage(from);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const folder = folderOf(name, from, root);
      if (folder === undefined && !(name in optionalDependencies)) throw new Error(`${name} is not installed; run npm ci`);
      if (folder === undefined || found.has(folder) || isNode(name)) continue;
      const { version, license } = readPackage(folder);
      found.set(folder, { name, version, licence: license ?? 'not stated', folder, text: licenceText(folder) });
      waiting.push(folder);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function licenceText(folder: string): string | undefined {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.|$)/i.test(name));
  return file && readFileSync(path.join(folder, file), 'utf8').trim();
}

/** Licences of everything that is shipped, as one text. */
export function licencesText(root: string, packages: readonly RuntimePackage[]): string {
  const own = `Cairn\n\n${readFileSync(path.join(root, 'LICENSE'), 'utf8').trim()}`;
  const parts = packages.map(
    ({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text ?? 'No licence text comes with it.'}`,
  );
  const electron = 'Electron and Chromium: LICENSE.electron.txt and LICENSES.chromium.html beside the application.';
  return `${[own, ...parts, electron].join(`\n\n${'-'.repeat(78)}\n\n`)}\n`;
}
