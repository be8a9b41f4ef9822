/** Opens the desktop application; where Electron's runtime or a display is missing, says so and serves the same interface to a browser. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { electronRuntime } from './runtime.ts';

const root = path.resolve(import.meta.dirname, '..');

const hasDisplay = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

function run(command, args) {
  const child = spawn(command, args, { stdio: 'inherit', cwd: root });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}

const runtime = electronRuntime();
const missing =
  runtime === undefined
    ? "Electron's runtime is not installed (npx electron fetches it once)"
    : hasDisplay
      ? undefined
      : 'there is no display';
if (missing === undefined) {
  run(runtime, ['.', ...process.argv.slice(2)]);
} else {
  process.stdout.write(`The desktop window can't open: ${missing}. Serving the same interface to your browser instead.\n`);
  run(process.execPath, [path.join(root, 'dist/cli.js'), 'serve', ...process.argv.slice(2)]);
}
