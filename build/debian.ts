/** What tests need of the system beyond a compiler, installed where there is none and that is possible: as root on Debian. */
import { execFileSync, spawnSync } from 'node:child_process';

/** Whether a command can be run. */
export const hasCommand = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Installs Debian packages, or does nothing: what is then missing is for the caller to say. */
export function installPackages(packages: readonly string[]): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    execFileSync('apt-get', ['-o', 'DPkg::Lock::Timeout=900', 'install', '-y', '--no-install-recommends', ...packages], {
      stdio: 'ignore',
    });
  } catch {
    // No apt-get or no network.
  }
}
