/** Text as one line of a message or a terminal may safely hold it: names come from files and may be made to do harm. */

/**
 * Control characters, direction marks, line separators and halves of surrogate pairs: what moves the cursor, hides or
 * reorders text, or ends the line.
 */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** The text in one line, what a terminal would act upon written as `\u{1b}`. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** "512 B", "1.5 KiB", "2.0 GiB": one decimal above bytes. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // From 1023.95 on, one decimal would round to 1024.0 of the smaller unit.
  for (; value >= (unit === 0 ? 1024 : 1023.95) && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}
