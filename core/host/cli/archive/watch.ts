/** `cairn archive --watch`. */
import { toCairnError } from '../../../contract/errors.ts';
import type { ParamsOf } from '../../../contract/methods.ts';
import { Attempts } from '../../../plan/attempts.ts';
import type { Candidate } from '../../../plan/policy.ts';
import { duration } from '../printable.ts';
import { exitCodes, type Session } from '../session.ts';
import { perform, type Performed } from './perform.ts';

/** Of what is seen, what is to be archived: whole, asked for and not in the store as it is now. */
const wantedOf = (candidates: readonly Candidate[], { run, steps }: ParamsOf<'archive.start'>): Candidate[] =>
  candidates.filter(
    (found) =>
      found.state === 'complete' &&
      !found.archived &&
      (run === undefined || found.run === run || found.runPath === run) &&
      (steps === undefined || steps.includes(found.step)),
  );

const listed = ([first, ...others]: readonly Candidate[]): string =>
  `${first!.path}${others.length > 0 ? ` and ${others.length} more` : ''}`;

/**
 * What is done at each look. What fails is left until it changes, or for a while; what was cancelled (in the interface, say) until there
 * is something new.
 */
class Looks {
  readonly #session: Session;
  readonly #params: ParamsOf<'archive.start'>;
  readonly #cancelled = new Set<string>();
  readonly #attempts = new Attempts();
  #missed: ReadonlySet<string> = new Set();
  failed = false;

  constructor(session: Session, params: ParamsOf<'archive.start'>) {
    this.#session = session;
    const { release, run, steps, paths: below } = params;
    this.#params = {
      ...params,
      run: undefined,
      steps: undefined,
      background: true,
      release: release && { ...release, below, run, steps },
    };
  }

  /** Folders that can't be looked through, told of once until they are back. */
  miss(unreachable: readonly string[]): void {
    for (const line of unreachable) if (!this.#missed.has(line)) this.#session.out.error(`${line}; it is looked for every minute`);
    this.#missed = new Set(unreachable);
  }

  async archive(wanted: readonly Candidate[]): Promise<void> {
    const due = wanted.filter((candidate) => this.#attempts.isDue(candidate, Date.now()));
    const paths = due.map(({ path }) => path);
    if (paths.every((path) => this.#cancelled.has(path)) || this.#session.interrupt.aborted) return;
    try {
      this.#learn(due, await perform(this.#session, { ...this.#params, paths }));
    } catch (thrown) {
      this.tell(thrown);
      if (toCairnError(thrown).code !== 'cancelled') return this.#leave(due);
      for (const path of paths) this.#cancelled.add(path);
    }
  }

  tell(thrown: unknown): void {
    if (this.#session.interrupt.aborted) return;
    this.failed = true;
    this.#session.out.error(toCairnError(thrown).message);
  }

  #learn(due: readonly Candidate[], { exitCode, sealed }: Performed): void {
    for (const candidate of due) if (sealed.has(candidate.path)) this.#attempts.succeeded(candidate);
    if (exitCode !== exitCodes.failed) return;
    this.failed = true;
    this.#leave(due.filter(({ path }) => !sealed.has(path)));
  }

  #leave(left: readonly Candidate[]): void {
    if (left.length === 0 || this.#session.interrupt.aborted) return;
    const waitMs = Math.max(...left.map((candidate) => this.#attempts.failed(candidate, Date.now())));
    this.#session.out.error(`${listed(left)}: left until it changes, or for ${duration(waitMs)}`);
  }
}

/** Archives what is there and then whatever a trainer finishes, until it is interrupted. Beside a trainer, so its threads stay behind. */
export async function watch(session: Session, params: ParamsOf<'archive.start'>): Promise<number> {
  const { service, out, interrupt } = session;
  const { watchCandidates } = await import('../../../jobs/watch.ts');
  const looks = new Looks(session, params);
  const watching = watchCandidates(service.stages, params.paths, {
    onSight: ({ candidates, unreachable }) => {
      looks.miss(unreachable);
      return looks.archive(wantedOf(candidates, params));
    },
    onError: (thrown) => looks.tell(thrown),
  });
  out.line(`watching ${params.paths.join(', ')}; Ctrl+C ends it`);
  out.record('watching', { paths: params.paths });
  if (!interrupt.aborted) await new Promise((resolve) => interrupt.addEventListener('abort', resolve));
  await watching.close();
  return looks.failed ? exitCodes.failed : exitCodes.interrupted;
}
