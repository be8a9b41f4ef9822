/** Words beside figures; units that are symbols (KiB, s, min) are the same in every language. */
export const figures = {
  bytes: (n: string, one: boolean) => `${n} ${one ? 'byte' : 'bytes'}`,
  justNow: 'just now',
  ago: (time: string) => `${time} ago`,
  scalar: 'scalar',
};
