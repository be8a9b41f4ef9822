/**
 * Hugging Face Trainer: `checkpoint-N` folders in a run folder. `trainer_state.json` is written last, so one that
 * parses marks a finished save; its `global_step` is the step. Rules: reference of layouts, point 1.
 */
import { z } from 'zod';
import type { TreeFile, TreeFolder } from '../folder-tree.ts';
import type { FileFacts } from './file-facts.ts';
import { parsePythonJson, readText } from './file-facts.ts';
import { isWeightsFile, partOf } from './file-kinds.ts';
import { fileNamed, filesBelow, type Claim, type Question, type Recogniser, type Recognised } from './recogniser.ts';

export const checkpointName = /^(?<staging>tmp-)?checkpoint-(?<step>\d{1,15})$/;
const stateName = 'trainer_state.json';
/** Any of these in a `checkpoint-N` folder shows that the Trainer wrote it. */
export const traces = new Set([stateName, 'training_args.bin', 'optimizer.pt', 'scheduler.pt', 'rng_state.pth', 'rng_state_0.pth']);

const stateFile = z.object({
  global_step: z.number().int().nonnegative().optional(),
  best_model_checkpoint: z.string().nullish(),
  log_history: z.array(z.record(z.string(), z.unknown())).optional(),
});
const trainerState = z.object({
  step: z.number().optional(),
  best: z.string().optional(),
  losses: z.array(z.tuple([z.number(), z.number()])),
});
type TrainerState = z.infer<typeof trainerState>;

/** The few values of a trainer_state.json that matter here; undefined where it doesn't parse. */
function readState(facts: FileFacts, folder: TreeFolder): Promise<TrainerState | undefined> {
  const file = fileNamed(folder, stateName);
  return file ? facts.fact(file, 'trainer-state', trainerState, parseState) : Promise.resolve(undefined);
}

async function parseState(file: TreeFile): Promise<TrainerState> {
  const state = stateFile.parse(parsePythonJson(await readText(file)));
  const best = state.best_model_checkpoint
    ?.replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1);
  const points = (state.log_history ?? []).flatMap(({ step, loss }): [number, number][] =>
    typeof step === 'number' && typeof loss === 'number' ? [[step, loss]] : [],
  );
  return { ...(state.global_step !== undefined && { step: state.global_step }), ...(best && { best }), losses: points };
}

function holdsWeights(folder: TreeFolder): boolean {
  return filesBelow(folder).some((file) => partOf(file.name) === 'weights');
}

function unfinished(folder: TreeFolder, staging: boolean, state: TrainerState | undefined): string | undefined {
  if (staging) return 'its name starts with tmp-: the save never finished; remove it or save again';
  if (state && holdsWeights(folder)) return undefined;
  if (state) return 'it holds no weights: the save did not finish, or they were removed; save again';
  const there = fileNamed(folder, stateName) !== undefined;
  return there
    ? `${stateName} is cut or is no JSON: the save did not finish; remove it or save again`
    : `${stateName} is missing, which the Trainer writes last: the save did not finish; remove it or save again`;
}

async function claimCheckpoint(folder: TreeFolder, facts: FileFacts): Promise<Claim> {
  const groups = checkpointName.exec(folder.name)?.groups;
  const state = await readState(facts, folder);
  const reason = unfinished(folder, groups?.['staging'] !== undefined, state);
  const fromState = state?.step !== undefined;
  const step = state?.step ?? Number(groups?.['step']);
  return { entry: folder, step, stepFrom: fromState ? 'state' : 'name', ...(reason ? { unfinished: reason } : { marked: true }) };
}

/** The model that `save_model` leaves in the run's folder at the end of training. */
async function claimFinal({ folder, whole, facts }: Question, claims: Claim[]): Promise<Claim[]> {
  if (!folder.files.some((file) => isWeightsFile(file.name))) return [];
  const state = await readState(facts, whole);
  const last = claims.reduce((step, claim) => Math.max(step, claim.step), 0);
  const stepFrom = state?.step === undefined ? 'mtime' : 'state';
  return [{ entry: whole, onlyFiles: folder.files, step: state?.step ?? last, stepFrom }];
}

async function recognise(question: Question): Promise<Recognised | undefined> {
  const { folder, facts } = question;
  const candidates = folder.folders.filter((child) => checkpointName.test(child.name));
  if (!candidates.some((child) => child.files.some((file) => traces.has(file.name)))) return undefined;
  const claims = await Promise.all(candidates.map((child) => claimCheckpoint(child, facts)));
  claims.sort((a, b) => a.step - b.step);
  const newest = claims.findLast((claim) => claim.marked)?.entry as TreeFolder | undefined;
  const state = newest && (await readState(facts, newest));
  for (const claim of claims) if (state?.best !== undefined && claim.entry.name === state.best) claim.best = true;
  const losses = (state?.losses ?? []).map(([step, loss]) => ({ step, loss }));
  return { claims: [...claims, ...(await claimFinal(question, claims))], losses };
}

export const hfTrainer: Recogniser = { name: 'hf-trainer', recognise };
