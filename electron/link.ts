/**
 * Links to places of the interface: cairn://run/<id>, cairn://snapshot/<id>, cairn://job/<id>, cairn://library and the other views. Anybody
 * may write one, so a link is believed only where all of it is plain, and leads to a place; it never makes Cairn do anything.
 */
import { z } from 'zod';

export const linkScheme = 'cairn';

const mostCharacters = 200;
const views = ['library', 'insights', 'jobs', 'schedules', 'store', 'settings'];
/** Ids as Cairn makes them: a run's, a job's, a snapshot's or the beginning of one. */
const idOf = new Map([
  ['run', /^[0-9a-f]{16}$/],
  ['job', /^[0-9a-f]{12}$/],
  ['snapshot', /^[0-9a-f]{8,64}$/],
]);

/** The hash of the interface that a link leads to, "#/run/…"; undefined where it is no link of ours. */
export function placeOf(link: string): string | undefined {
  const [, way] = /^cairn:\/\/([a-z]+(?:\/[0-9a-f]+)?)\/?$/.exec(link.slice(0, mostCharacters + 1)) ?? [];
  if (way === undefined || link.length > mostCharacters) return undefined;
  const [head, id] = way.split('/') as [string, string?];
  const isPlace = id === undefined ? views.includes(head) : (idOf.get(head)?.test(id) ?? false);
  return isPlace ? `#/${way}` : undefined;
}

/** A place as one instance hands it to another. */
export const placeSchema = z.string().refine((place) => placeOf(`${linkScheme}://${place.slice(2)}`) === place);
