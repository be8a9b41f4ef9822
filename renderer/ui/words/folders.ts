/** What the folder browser says. */
export const folders = {
  lead: 'Folders of the machine the service runs on.',
  path: 'Path',
  up: 'Parent folder',
  go: 'Go',
  choose: 'Choose this folder',
  empty: 'No folders in here.',
  list: 'Folders',
};
