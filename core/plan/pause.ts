/** When pauses end. The time is an argument. */

const morning = 8;
/** Before this hour the night still belongs to the day before. */
const dayBegins = 4;

/** "Until tomorrow": eight in the morning, by the machine's clock, of the day that comes after sleeping. */
export function tomorrow(nowMs: number): number {
  const now = new Date(nowMs);
  const days = now.getHours() < dayBegins ? 0 : 1;
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, morning).getTime();
}
