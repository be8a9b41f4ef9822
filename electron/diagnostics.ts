/**
 * What is worth knowing where something went wrong, as text that a user may paste anywhere: versions, the machine, what the service says
 * of itself, the last lines of the log. The home folder and the user's name are taken out, and so is whatever looks like a token.
 */
import { arch, availableParallelism, homedir, release, totalmem, userInfo } from 'node:os';
import type { Client } from '../core/contract/client.ts';
import { toCairnError } from '../core/contract/errors.ts';

const gibibyte = 2 ** 30;

/** Names that are too short would take letters out of other words. */
const leastName = 3;

/** Takes out of a text what says who the user is, and what opens doors. */
export function withoutSecrets(text: string, home = homedir(), user = userInfo().username): string {
  const noTokens = text.replaceAll(/\b(token|secret|password|key|authorization|bearer)\b(["']?\s*[=:]?\s*["']?)[\w.~+/-]{8,}=*/gi, '$1$2…');
  const noHome = home.length > 1 ? noTokens.replaceAll(home, '~') : noTokens;
  return user.length < leastName
    ? noHome
    : noHome.replaceAll(new RegExp(`(?<![\\w-])${user.replaceAll(/[^\w]/g, '\\$&')}(?![\\w-])`, 'g'), '<user>');
}

function machine(version: string): string[] {
  const { electron = 'none', chrome = 'none', node } = process.versions;
  return [
    `Cairn ${version}, Electron ${electron}, Chromium ${chrome}, Node ${node}`,
    `${process.platform} ${release()} ${arch()}, ${availableParallelism()} cores, ${(totalmem() / gibibyte).toFixed(1)} GiB`,
  ];
}

async function service(client: Client | undefined): Promise<string[]> {
  if (!client) return ['the service is not running'];
  try {
    const about = await client.call('service.about', {});
    const { store } = await client.call('store.status', {});
    const { jobs, pause } = await client.call('jobs.list', {});
    const { schedules } = await client.call('schedules.list', {});
    const { manners } = await client.call('manners.get', {});
    const failed = jobs.filter(({ state }) => state === 'failed').slice(0, 5);
    return [
      `service ${JSON.stringify(about)}`,
      `store ${store.path}: ${store.snapshots} snapshots in ${store.packs} packs, ${store.bytesStored} bytes, ${store.bytesFree} free, parity ${store.parity}`,
      `jobs ${jobs.length}${pause ? ', everything is paused' : ''}; schedules ${schedules.length}, ${schedules.filter(({ enabled }) => enabled).length} on`,
      `manners ${JSON.stringify(manners)}`,
      ...failed.map(({ kind, ended, error }) => `failed ${kind} ${ended ?? ''}: ${error?.code ?? ''} ${error?.message ?? ''}`),
    ];
  } catch (thrown) {
    return [`the service does not answer: ${toCairnError(thrown).message}`];
  }
}

/** @param version of the application @param log the last lines of it */
export async function diagnostics(version: string, client: Client | undefined, log: readonly string[]): Promise<string> {
  const lines = [...machine(version), ...(await service(client)), 'log:', ...log];
  return withoutSecrets(`${lines.join('\n')}\n`);
}
