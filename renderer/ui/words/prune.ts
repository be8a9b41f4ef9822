/** What the prune dialog says. */
import { count } from './count.ts';

export const prune = {
  title: 'Prune the store',
  lead: 'Contents that no snapshot needs are removed, and their space comes back. Snapshots go only where you choose a run and say what it keeps.',
  run: 'Snapshots',
  noRun: 'All stay',
  rulesDetail: 'Of this run a snapshot stays where any rule keeps it, or where it is pinned. An empty rule says nothing.',
  needsRule: 'Give at least one rule that says what the run keeps.',
  ask: 'The preview says what would go and what comes back; nothing is changed.',
  preview: 'Preview',
  looking: 'Looking at what is needed…',
  frees: (size: string) => `${size} come back`,
  outcome: (removed: number, thinned: number, kept: number) =>
    `${count(removed, 'snapshot')} would be deleted, ${thinned === 0 ? '' : `${count(thinned, 'snapshot')} would lose optimizer state, `}${count(kept, 'snapshot')} ${kept === 1 ? 'stays' : 'stay'}.`,
  leaving: 'Steps that would be deleted',
  more: (n: number) => `and ${n} more`,
  start: 'Prune',
  startDeleting: (n: number) => (n === 0 ? 'Prune' : `Delete ${count(n, 'snapshot')} and prune`),
};
