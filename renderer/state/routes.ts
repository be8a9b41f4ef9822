/** The places of the interface and their addresses: every place is a link. */
export type Route =
  | { view: 'library' }
  | { view: 'run'; id: string }
  | { view: 'snapshot'; id: string; tensor?: string }
  | { view: 'compare'; a: string; b: string }
  | { view: 'insights'; id?: string }
  | { view: 'jobs'; id?: string }
  | { view: 'schedules' }
  | { view: 'store' }
  | { view: 'settings' };

const singular = { run: 'run', snapshot: 'snapshot', insights: 'insights', job: 'jobs' } as const;

/** Reads a hash; what names no place leads to the library. */
export function parseRoute(hash: string): Route {
  const [way = '', asked = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [head = '', ...rest] = way.split('/');
  const id = decode(rest.join('/'));
  if (head === 'compare' && rest.length === 2 && rest.every((part) => part !== '')) {
    return { view: 'compare', a: decode(rest[0]!), b: decode(rest[1]!) };
  }
  if (head === 'snapshot' && id !== '' && asked.startsWith('tensor=')) {
    return { view: 'snapshot', id, tensor: decode(asked.slice('tensor='.length)) };
  }
  if (head in singular && id !== '') return { view: singular[head as keyof typeof singular], id };
  if (head === 'insights' || head === 'jobs' || head === 'schedules' || head === 'store' || head === 'settings') return { view: head };
  return { view: 'library' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The hash of a place. */
export function hrefOf(route: Route): string {
  if (route.view === 'compare') return `#/compare/${encodeURIComponent(route.a)}/${encodeURIComponent(route.b)}`;
  if (route.view === 'snapshot' && route.tensor !== undefined)
    return `#/snapshot/${encodeURIComponent(route.id)}?tensor=${encodeURIComponent(route.tensor)}`;
  if (route.view === 'run' || route.view === 'snapshot') return `#/${route.view}/${encodeURIComponent(route.id)}`;
  if (route.view === 'insights' && route.id !== undefined) return `#/insights/${encodeURIComponent(route.id)}`;
  if (route.view === 'jobs' && route.id !== undefined) return `#/job/${encodeURIComponent(route.id)}`;
  return `#/${route.view}`;
}
