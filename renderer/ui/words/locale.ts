/**
 * The language of the interface. English is what the files beside this one say; the pseudo-locale is English made strange,
 * marked and a third longer, so that a word which does not come from them, or has no room to grow, is seen.
 */
export type Locale = 'en' | 'pseudo';

/** Under this name the browser's storage keeps a locale other than English. */
export const localeKey = 'cairn-locale';

const plain = 'aceinouyACEINOUY';
const strange = 'àçéîñôûýÀÇÉÎÑÔÛÝ';

/** "Steps" -> "⟦Stéps··⟧". */
export function pseudo(words: string): string {
  if (words === '') return words;
  const odd = [...words].map((letter) => strange[plain.indexOf(letter)] ?? letter).join('');
  return `⟦${odd}${'·'.repeat(Math.ceil(words.length / 3))}⟧`;
}

function strangely(value: unknown): unknown {
  if (typeof value === 'string') return pseudo(value);
  if (typeof value === 'function') return (...given: unknown[]) => strangely((value as (...given: unknown[]) => unknown)(...given));
  if (Array.isArray(value)) return value.map(strangely);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, strangely(inner)]));
  return value;
}

function chosen(): Locale {
  try {
    return globalThis.localStorage.getItem(localeKey) === 'pseudo' ? 'pseudo' : 'en';
  } catch {
    return 'en'; // no browser, or one that keeps nothing
  }
}

/** The same tree of words and of functions that make words, in the language that was chosen when the page was loaded. */
export const spoken = <Words>(english: Words, locale: Locale = chosen()): Words =>
  locale === 'pseudo' ? (strangely(english) as Words) : english;
