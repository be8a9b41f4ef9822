import type { RunSummary } from '../../../core/contract/model.ts';

export type RunFilter = 'all' | 'open' | 'archived' | 'incomplete';

/** Steps of a run that could be archived now: neither in the store nor incomplete. */
export const toArchive = (run: RunSummary): number => Math.max(0, run.steps - run.archived - run.incomplete);

const tests: Record<RunFilter, (run: RunSummary) => boolean> = {
  all: () => true,
  open: (run) => toArchive(run) > 0,
  archived: (run) => run.steps > 0 && run.archived === run.steps,
  incomplete: (run) => run.incomplete > 0,
};

/** The runs whose name, path or layout holds every word that is searched, in the state that is asked. */
export function filterRuns(runs: readonly RunSummary[], search: string, filter: RunFilter): RunSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (!tests[filter](run)) return false;
    const where = `${run.name}\n${run.path}\n${run.layout}`.toLowerCase();
    return words.every((word) => where.includes(word));
  });
}
