/** How a step is put into words, for the hover card, the table and screen readers. */
import type { Step } from '../../../core/contract/model.ts';
import { formatBytes, formatCount, formatRatio } from '../figures.ts';
import { text } from '../text.ts';
import { originalBytes, standingOf, type Standing } from './chain-geometry.ts';

const words = text.run;

export const toneOf: Record<Standing, 'good' | 'plain' | 'warning' | 'danger' | 'active'> = {
  sealed: 'good',
  archived: 'warning',
  todo: 'plain',
  incomplete: 'warning',
  'being-written': 'active',
  damaged: 'danger',
};

/** One line that says all that the column shows. */
export function describeStep(step: Step): string {
  const { snapshot } = step;
  const parts = [`${words.columns.step} ${formatCount(step.step)}`, words.state[standingOf(step)]];
  if (snapshot) {
    parts.push(`${words.kind[snapshot.kind]}, ${words.columns.depth.toLowerCase()} ${snapshot.depth}`);
    parts.push(words.storedIn(formatBytes(snapshot.bytesOriginal), formatBytes(snapshot.bytesStored)));
    const ratio = formatRatio(snapshot.bytesOriginal, snapshot.bytesStored);
    if (ratio) parts.push(ratio);
    if (snapshot.pinned) parts.push(words.pinned);
    if (!step.checkpoint) parts.push(words.originalGone);
  } else parts.push(formatBytes(originalBytes(step)));
  if (step.checkpoint?.reason) parts.push(step.checkpoint.reason);
  return parts.join(', ');
}
