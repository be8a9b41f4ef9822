/** Words as content of XML or HTML. Names come from files: nothing in them may become markup, or make a file unreadable. */

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** What XML 1.0 (2.2) has no way to write: control characters, halves of surrogate pairs, two that are no characters. */
const unwritable = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** For text and for attributes in quotes. */
export const escaped = (words: string): string => words.replace(unwritable, '\uFFFD').replace(/[&<>"']/g, (letter) => entities[letter]!);
