/** What a card of the study needs to show one kind of tensor over the steps of a run. */
import type { InsightsPage } from '../../state/insights.svelte.ts';
import type { ChartColours } from './chart-colours.ts';

export interface KindCardProps {
  page: InsightsPage;
  /** The run's name, for what is saved. */
  run: string;
  /** As the measures name it: "weights BF16". */
  kind: string;
  colours: ChartColours;
}
