/** The one gate: types, lint with the layer rules, Svelte components, formatting. Runs all of them, fails if one does. */
import { spawnSync } from 'node:child_process';

const steps = [
  ['tsc', ['-p', 'tsconfig.json']],
  ['svelte-check', ['--tsconfig', 'renderer/tsconfig.json', '--threshold', 'warning', '--fail-on-warnings', '--output', 'human']],
  ['eslint', ['.', '--max-warnings', '0']],
  ['prettier', ['--check', '--log-level', 'warn', '.']],
];

let failed = 0;
for (const [command, args] of steps) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) failed += 1;
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${command}\n`);
}
process.exit(failed === 0 ? 0 : 1);
