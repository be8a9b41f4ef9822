/** The study of a run on its own checkpoints. */
import { Estimator } from '../../analysis/estimate.ts';
import { FoundCheckpoints } from '../../analysis/found-checkpoints.ts';
import { Study } from '../../analysis/study.ts';
import { CairnError } from '../../contract/errors.ts';
import type { Run } from '../../contract/model.ts';
import type { Handlers } from '../dispatcher.ts';
import type { ServiceAccess } from './access.ts';

type AnalyseHandlers = Pick<Handlers, 'analyse.outline' | 'analyse.step' | 'analyse.engines' | 'analyse.estimate'>;

export function analyseHandlers(service: ServiceAccess): AnalyseHandlers {
  const { stages, catalogue } = service;
  const runs = new NamedRuns(service);
  const checkpoints = new FoundCheckpoints(catalogue.previousFile);
  const access = { pool: () => stages.pool(), readStore: () => stages.readStore(), checkpoints };
  const [study, estimator] = [new Study(access), new Estimator(access)];
  return {
    'analyse.outline': async ({ run }, signal) => ({ outline: await study.outline(await runs.get(run), signal) }),
    'analyse.step': async ({ run, step, full }, signal) => ({
      measures: await study.step(await runs.get(run), step, full, signal),
    }),
    'analyse.engines': async ({ run, step }, signal) => ({ comparison: await study.engines(await runs.get(run), step, signal) }),
    'analyse.estimate': async ({ run }, signal) => ({ estimate: await estimator.run(await runs.get(run), signal) }),
  };
}

/** Runs by name. The steps of one are asked for one after the other: it is read again only once the catalogue has changed. */
class NamedRuns {
  readonly #service: ServiceAccess;
  #held: { key: string; run: Run } | undefined;

  constructor(service: ServiceAccess) {
    this.#service = service;
  }

  /** @throws CairnError `not_found`, `ambiguous` where several runs have the name. */
  async get(name: string): Promise<Run> {
    const { catalogue, mirror } = this.#service;
    const storeId = await mirror.sync();
    const key = [name, storeId, catalogue.version()].join('\0');
    if (this.#held?.key !== key) this.#held = { key, run: this.#find(name, storeId) };
    return this.#held.run;
  }

  #find(name: string, storeId: string): Run {
    const { catalogue } = this.#service;
    const known = catalogue.run(name, storeId);
    if (known && known.steps > 0) return known;
    const runs = catalogue.runSummaries(storeId);
    const exact = runs.filter((run) => run.path === name);
    const found = exact.length > 0 ? exact : runs.filter((run) => run.name === name);
    if (found.length > 1)
      throw new CairnError('ambiguous', `${name}: ${found.map(({ path }) => path).join(', ')} have this name; give the path instead`);
    const run = found[0] && catalogue.run(found[0].id, storeId);
    if (!run) throw new CairnError('not_found', `${name}: no such run; scan its folder again, or see cairn ls`);
    return run;
  }
}
