/**
 * The token that the server put into the page's address. It moves into the session's own storage and out of the
 * address bar at once, so that it is neither bookmarked nor read over a shoulder.
 */
const key = 'cairn-token';

interface Page {
  location: { href: string };
  history: { replaceState(state: unknown, unused: string, url: string): void };
  sessionStorage: Pick<Storage, 'getItem' | 'setItem'>;
}

/** Returns the token of this page, or undefined where neither address nor session has one. */
export function takeToken(page: Page): string | undefined {
  const address = new URL(page.location.href);
  const token = address.searchParams.get('token');
  if (token === null) return page.sessionStorage.getItem(key) ?? undefined;
  page.sessionStorage.setItem(key, token);
  address.searchParams.delete('token');
  page.history.replaceState(null, '', address.href);
  return token;
}
