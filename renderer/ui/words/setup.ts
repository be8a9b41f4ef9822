/** What the first set-up says. */
export const setup = {
  title: 'Set up archiving',
  lead: 'Cairn archives checkpoints of a folder by itself, proves each, and leaves the folder as it is.',
  folder: 'Folder that your trainer writes to',
  choose: 'Choose folder',
  when: 'When',
  moments: {
    watch: 'As soon as a checkpoint is finished',
    nightly: 'Every night at half past two',
    idle: 'When the machine was idle for a quarter of an hour',
  },
  leaveNewest: 'Leave the newest as they are',
  leaveNewestDetail:
    'The trainer may still need them. Everything else is archived; originals are never removed unless you say so in Schedules.',
  store: (path: string, free: string) => `Archives go to ${path}, with ${free} free.`,
  start: 'Start archiving',
  name: (folder: string) => `Archive ${folder}`,
  isOn: (name: string) => `${name} is on`,
  show: 'Show schedule',
};
export type SetupMoment = keyof typeof setup.moments;
