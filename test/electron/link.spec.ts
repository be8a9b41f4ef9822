/** Links come from anywhere: what is not plainly a place of the interface leads nowhere. */
import { expect, it } from 'vitest';
import { placeOf, placeSchema } from '../../electron/link.ts';
import { parseRoute } from '../../renderer/state/routes.ts';

const snapshot = 'ab'.repeat(32);

it.each([
  ['cairn://run/0123456789abcdef', { view: 'run', id: '0123456789abcdef' }],
  [`cairn://snapshot/${snapshot}`, { view: 'snapshot', id: snapshot }],
  ['cairn://snapshot/abcdef01', { view: 'snapshot', id: 'abcdef01' }],
  ['cairn://job/0123456789ab', { view: 'jobs', id: '0123456789ab' }],
  ['cairn://jobs', { view: 'jobs' }],
  ['cairn://store/', { view: 'store' }],
])('%s leads to a place of the interface', (link, route) => {
  const place = placeOf(link)!;
  expect(parseRoute(place)).toEqual(route);
  expect(placeSchema.safeParse(place).success).toBe(true);
});

it.each([
  'cairn:run/0123456789abcdef',
  'CAIRN://run/0123456789abcdef',
  'cairn://run/0123456789ABCDEF',
  'cairn://run/0123456789abcdef/../../settings',
  'cairn://run/0123456789abcdef?x=1',
  'cairn://run/0123456789abcdef#/settings',
  'cairn://user@run/0123456789abcdef',
  'cairn://run/%2e%2e',
  'cairn://run/<img src=x onerror=alert(1)>',
  'cairn://run/',
  'cairn://snapshot/ab',
  `cairn://snapshot/${'a'.repeat(65)}`,
  'cairn://archive',
  'cairn://archive/0123456789abcdef',
  'cairn://constructor/0123456789abcdef',
  'cairn://run/0123456789abcdef\n--store=/etc',
  'cairn://',
  '',
  'https://example.org/',
  'javascript:alert(1)',
  `cairn://job/${'0'.repeat(100_000)}`,
])('%s leads nowhere', (link) => {
  expect(placeOf(link)).toBeUndefined();
});

it.each(['#/run/../x', '#/archive', '/run/0123456789abcdef', 'x', '#/snapshot/ab?tensor=x'])(
  '%s is no place that is handed over',
  (place) => {
    expect(placeSchema.safeParse(place).success).toBe(false);
  },
);
