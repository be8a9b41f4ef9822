/** SECURITY.md says of each item where it is and which test shows it: both are there. And what no other test looks at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

interface Row {
  item: string;
  where: string;
  test: string;
}

const rows: Row[] = read('SECURITY.md')
  .split('\n')
  .filter((line) => /^\| (?!item )/.test(line))
  .map((line) => {
    const [item, where, test] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    return { item: item!, where: where!, test: test! };
  });

it('all twenty items are in the table', () => {
  const numbers = rows.flatMap(({ item }) => (/^\d+/.exec(item) ? [Number.parseInt(item, 10)] : []));
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

it.each(rows)('$item: where it is and what shows it exist', ({ where, test }) => {
  expect(existsSync(path.join(root, where.replaceAll('`', '')))).toBe(true);
  if (test === 'not run') return;
  const [, file, name] = /^`([^`]+)`(?:: (.+))?$/.exec(test)!;
  expect(read(file!)).toContain(name ?? '');
});

it('the shell never opens anything outside itself', () => {
  for (const name of readdirSync(path.join(root, 'electron'))) expect(read(`electron/${name}`)).not.toMatch(/openExternal|shell\.open/);
  expect(read('build/eslint.config.js')).toContain('openExternal');
});

it('Electron is the version that the lock file says', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> };
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
  expect(packages['node_modules/electron']?.version).toBe(devDependencies['electron']);
});
