/**
 * How figures are written: sizes in binary units with the exact bytes beside them, ratios as original to stored,
 * times in the reader's own zone. Nothing here rounds a figure into a better one.
 */
import { figures } from './words/figures.ts';
import { spoken } from './words/locale.ts';

const words = spoken(figures);
const units = ['', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const plain = new Intl.NumberFormat('en');

/** 1536 -> "1.50 KiB". Three significant digits, cut rather than rounded up to the next unit. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return formatExactBytes(bytes);
  const power = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const cut = Math.floor(value * 10 ** digits) / 10 ** digits;
  return `${cut >= 1000 ? plain.format(cut) : cut.toFixed(digits)} ${units[power]}`;
}

/** "1,536 bytes". */
export const formatExactBytes = (bytes: number): string => words.bytes(plain.format(bytes), bytes === 1);

export const formatCount = (count: number): string => plain.format(count);

/** Original over stored, cut: "2.74x". Undefined where there is nothing to compare. */
export function formatRatio(original: number, stored: number): string | undefined {
  if (original === 0) return undefined;
  if (stored === 0) return '∞';
  const ratio = original / stored;
  return `${ratio >= 1000 ? plain.format(Math.floor(ratio)) : (Math.floor(ratio * 100) / 100).toFixed(2)}×`;
}

/** The part of the original that is saved, in percent, cut towards less: "63.5 %". Negative where storing costs more. */
export function formatSaved(original: number, stored: number): string | undefined {
  if (original === 0) return undefined;
  const permille = Math.floor(((original - stored) * 1000) / original);
  return `${(permille / 10).toFixed(1).replace('-', '−')} %`;
}

/** 0.1234 -> "12.3 %"; what is not nothing is never written as 0. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return '< 0.01 %';
  return `${percent.toFixed(percent < 10 ? 2 : 1)} %`;
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(Math.round(bytesPerSecond))}/s`;

/** 61_000 -> "1 min 1 s"; two units at most, cut. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return `${Math.floor(ms)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Clocks of two machines differ a little, and ours moves on in jumps. */
const clockSlackSeconds = 90;

/** "3 min ago" up to a week, then the date; the date too for what lies ahead. `now` and `time` in milliseconds since 1970. */
export function formatAgo(time: number, now: number): string {
  const seconds = Math.floor((now - time) / 1000);
  if (seconds < -clockSlackSeconds) return formatDate(time);
  if (seconds < 45) return words.justNow;
  if (seconds < 3600) return words.ago(`${Math.max(1, Math.floor(seconds / 60))} min`);
  if (seconds < 86_400) return words.ago(`${Math.floor(seconds / 3600)} h`);
  if (seconds < 7 * 86_400) return words.ago(`${Math.floor(seconds / 86_400)} d`);
  return formatDate(time);
}

const date = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const dateTime = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const formatDate = (time: number): string => date.format(time);
export const formatDateTime = (time: number): string => dateTime.format(time);
export const formatClock = (time: number): string => clock.format(time);

/** A loss with four significant digits. */
export const formatLoss = (loss: number): string => (Number.isFinite(loss) ? loss.toPrecision(4) : String(loss));

/** "768 × 2304"; a scalar has no dimensions. */
export const formatShape = (shape: readonly number[]): string => (shape.length === 0 ? words.scalar : shape.join(' × '));

/** The first characters of an id or digest, enough to name it. */
export const shortId = (id: string): string => id.slice(0, 12);
