/** The unit that `cairn service install` writes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unitPath, unitText, unitWord } from '../../core/host/cli/commands/service.ts';
import { runCli } from './run-cli.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'cairn-unit-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** What systemd itself finds wrong with a unit; nothing where it is not installed. */
function systemdOn(unit: string): string {
  const file = path.join(folder, 'cairn.service');
  writeFileSync(file, unit);
  const { error, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--user', '--man=no', file], {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: folder },
  });
  return error ? '' : `${stdout}${stderr}`;
}

it('words of a unit are what they were, whatever systemd would make of them', () => {
  expect(unitWord('/a b')).toBe('"/a b"');
  expect(unitWord('a"b\\c%d$e')).toBe('"a\\"b\\\\c%%d$$e"');
  expect(() => unitWord('a\nExecStart=b')).toThrow(/line break/);
  expect(unitText(['/node', '--x']).split('\n')).toContain('ExecStart="/node" "--x"');
});

it.runIf(process.platform === 'linux')('installing writes it where systemd looks, with this home and store', async () => {
  const home = path.join(folder, 'home %h');
  const store = path.join(folder, 'store');
  const env = { XDG_CONFIG_HOME: path.join(folder, 'config') };
  const printed = await runCli(['service', 'install', '--print', '--store', store], { home, env });
  expect([printed.exitCode, printed.stdout]).toEqual([0, expect.stringContaining(`"--store" "${store}"`) as string]);
  const ran = await runCli(['service', 'install', '--no-start', '--port', '4725', '--store', store], { home, env });
  expect([ran.exitCode, ran.stderr]).toEqual([0, '']);
  expect(readFileSync(unitPath({ XDG_CONFIG_HOME: env.XDG_CONFIG_HOME }), 'utf8')).toBe(printed.stdout);
  expect(systemdOn(printed.stdout)).toBe('');
  const again = await runCli(['service', 'install', '--no-start', '--port', '4800', '--store', store], { home, env });
  expect([again.exitCode, again.stderr]).toEqual([0, '']);
  const text = readFileSync(unitPath({ XDG_CONFIG_HOME: env.XDG_CONFIG_HOME }), 'utf8');
  expect(text).toMatch(/^ExecStart="\/[^\n]*" "serve" "--port" "4800" "--home" "[^\n]*home %%h" "--store" "[^\n]*\/store"$/m);
  expect(text).toContain('Nice=10');
});
