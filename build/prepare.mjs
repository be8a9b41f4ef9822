/** Leaves a checkout ready after `npm ci`: native core, bundles, renderer. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const here = (name) => path.join(import.meta.dirname, name);
const oldNode = Number(process.versions.node.split('.')[0]) < 24;
if (oldNode) {
  process.stderr.write(`Node ${process.versions.node} is too old to build Cairn; install Node 24 or newer and run npm ci again\n`);
  process.exit(1);
}
for (const script of ['native.mjs', 'build.mjs']) {
  const { status } = spawnSync(process.execPath, [here(script)], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
