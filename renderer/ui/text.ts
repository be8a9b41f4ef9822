/** Every word the interface says, in the language that is spoken; each view's are in a file of its own beside it. */
import { app } from './words/app.ts';
import { compare } from './words/compare.ts';
import { figures } from './words/figures.ts';
import { folders } from './words/folders.ts';
import { insights } from './words/insights.ts';
import { jobs } from './words/jobs.ts';
import { library } from './words/library.ts';
import { spoken } from './words/locale.ts';
import { plan } from './words/plan.ts';
import { prune } from './words/prune.ts';
import { restore } from './words/restore.ts';
import { run } from './words/run.ts';
import { schedules } from './words/schedules.ts';
import { settings } from './words/settings.ts';
import { setup } from './words/setup.ts';
import { snapshot } from './words/snapshot.ts';
import { store } from './words/store.ts';

export const text = spoken({
  ...app,
  compare,
  figures,
  folders,
  insights,
  jobs,
  library,
  plan,
  prune,
  restore,
  run,
  schedules,
  settings,
  setup,
  snapshot,
  store,
});
