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
