/** All recognisers, in the order in which they are asked: the most particular first. */
import { accelerate } from './accelerate.ts';
import { deepspeed } from './deepspeed.ts';
import { hfTrainer } from './hf-trainer.ts';
import { lightning } from './lightning.ts';
import { megatron, verl } from './megatron.ts';
import { nanogpt } from './nanogpt.ts';
import { numberedFiles } from './numbered-files.ts';
import { numberedFolders } from './numbered-folders.ts';
import { olmo } from './olmo.ts';
import { orbax } from './orbax.ts';
import type { Recogniser } from './recogniser.ts';
import { torchtitan } from './torchtitan.ts';
import { torchtune } from './torchtune.ts';

export const recognisers: readonly Recogniser[] = [
  hfTrainer,
  deepspeed,
  megatron,
  verl,
  lightning,
  accelerate,
  torchtitan,
  torchtune,
  olmo,
  orbax,
  numberedFolders,
  nanogpt,
  numberedFiles,
];
