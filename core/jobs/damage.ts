import type { Failure } from '../contract/errors.ts';
import type { Finding } from '../contract/model.ts';

/** What findings of a verification make of a job; undefined where there are none. @param kept what was therefore not done */
export function damageOf(findings: readonly Finding[], kept = ''): Failure | undefined {
  const [first] = findings;
  if (!first) return undefined;
  const others = findings.length > 1 ? ` and ${findings.length - 1} more` : '';
  return { code: 'damaged', message: `verifying found: ${first.message}${others}${kept}` };
}
