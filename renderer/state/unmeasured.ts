/** True where one of the steps has not been measured yet. */
export function hasUnmeasured(steps: readonly { step: number }[], measures: readonly { step: number }[]): boolean {
  const known = new Set(measures.map(({ step }) => step));
  return steps.some(({ step }) => !known.has(step));
}
