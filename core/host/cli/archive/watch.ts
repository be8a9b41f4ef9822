/** `cairn archive --watch`. */
import { toCairnError } from '../../../contract/errors.ts';
import type { ParamsOf } from '../../../contract/methods.ts';
import type { Candidate } from '../../../plan/policy.ts';
import { exitCodes, type Session } from '../session.ts';
import { perform } from './perform.ts';

/** Of what is seen, what is to be archived: whole, asked for and not in the store as it is now. */
const wantedOf = (candidates: readonly Candidate[], { run, steps }: ParamsOf<'archive.start'>): Candidate[] =>
  candidates.filter(
    (found) =>
      found.state === 'complete' &&
      !found.archived &&
      (run === undefined || found.run === run || found.runPath === run) &&
      (steps === undefined || steps.includes(found.step)),
  );

/**
 * Archives what is there and then whatever a trainer finishes, until it is interrupted. Beside a trainer, so its threads stay behind.
 * What fails is said and tried again at the next look; what was cancelled (in the interface, say) is left until there is something new.
 */
export async function watch(session: Session, params: ParamsOf<'archive.start'>): Promise<number> {
  const { service, out, interrupt } = session;
  const { watchCandidates } = await import('../../../jobs/watch.ts');
  let failed = false;
  const cancelled = new Set<string>();
  const archiveNew = async (candidates: Candidate[]): Promise<void> => {
    const wanted = wantedOf(candidates, params);
    if (wanted.every(({ path }) => cancelled.has(path)) || interrupt.aborted) return;
    const {
      run: _run,
      steps: _steps,
      ...rest
    } = { ...params, ...(params.release ? { release: { ...params.release, below: params.paths } } : {}) };
    const paths = wanted.map((found) => found.path);
    const exitCode = await perform(session, { ...rest, paths, background: true }).catch((thrown: unknown) => {
      if (toCairnError(thrown).code === 'cancelled') for (const path of paths) cancelled.add(path);
      throw thrown;
    });
    failed ||= exitCode === exitCodes.failed;
  };
  const onError = (thrown: unknown): void => {
    if (interrupt.aborted) return;
    failed = true;
    out.error(toCairnError(thrown).message);
  };
  const watching = watchCandidates(service.stages, params.paths, { onCandidates: archiveNew, onError });
  out.line(`watching ${params.paths.join(', ')}; Ctrl+C ends it`);
  out.record('watching', { paths: params.paths });
  if (!interrupt.aborted) await new Promise((resolve) => interrupt.addEventListener('abort', resolve));
  await watching.close();
  return failed ? exitCodes.failed : exitCodes.interrupted;
}
