/**
 * What is worth knowing where something went wrong, as text that a user may paste anywhere: versions, the machine, what the service says
 * of itself, the last lines of the log. The home folder and the user's name are taken out, and so is whatever looks like a token.
 */
import { arch, availableParallelism, homedir, release, totalmem, userInfo } from 'node:os';
import path from 'node:path';
import type { Client } from '../core/contract/client.ts';
import { toCairnError } from '../core/contract/errors.ts';
import type { LogFile } from './log-file.ts';

const gibibyte = 2 ** 30;

/** Names that are too short would take letters out of other words. */
const leastName = 3;

/** What opens doors, and the part of it that may stay: by what it is called, by where it stands, by how services write theirs. */
const secrets = [
  /(authorization["']?\s*[=:]\s*["']?)[^"'\n]+/gi,
  /((?:token|secret|passw(?:or)?d|pwd|passphrase|credentials?|key)["']?\s*[=:]\s*["']?)(?:(?<=")[^"\n]+|(?<=')[^'\n]+|[^\s"',;&}]+)/gi,
  /(bearer\s+)[\w.~+/-]{8,}=*/gi,
  /(:\/\/)[^\s/@]{1,200}(?=@)/g,
  /(hf_|gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|AKIA|eyJ)[\w.-]{8,}/g,
];

/** A text as a pattern that matches it where it is no part of a longer name. */
const whole = (text: string): RegExp => new RegExp(`(?<![\\w-])${RegExp.escape(text)}(?![\\w-])`, 'g');

/** A folder as systems, records in JSON and addresses write it. */
const writings = (folder: string): string[] => {
  const withSlashes = folder.replaceAll('\\', '/');
  return [JSON.stringify(folder).slice(1, -1), folder, withSlashes, encodeURI(withSlashes)];
};

/** Takes out of a text what says who the user is, and what opens doors. */
export function withoutSecrets(text: string, home = homedir(), user = userInfo().username): string {
  const noTokens = secrets.reduce((rest, secret) => rest.replaceAll(secret, '$1…'), text);
  const homes = path.parse(home).root === home ? [] : writings(home);
  const noHome = homes.reduce((rest, writing) => rest.replaceAll(new RegExp(`${RegExp.escape(writing)}(?![\\w-])`, 'g'), '~'), noTokens);
  return user.length < leastName ? noHome : noHome.replaceAll(whole(user), '<user>');
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

/** @param version of the application */
export async function diagnostics(version: string, client: Client | undefined, log: Pick<LogFile, 'path' | 'last'>): Promise<string> {
  const lines = [...machine(version), ...(await service(client)), `log ${log.path}:`, ...log.last];
  return withoutSecrets(`${lines.join('\n')}\n`);
}
