/** All recognisers, in the order in which they are asked: the most particular first. */
import { hfTrainer } from './hf-trainer.ts';
import { nanogpt } from './nanogpt.ts';
import { numberedFiles } from './numbered-files.ts';
import { numberedFolders } from './numbered-folders.ts';
import type { Recogniser } from './recogniser.ts';

export const recognisers: readonly Recogniser[] = [hfTrainer, numberedFolders, nanogpt, numberedFiles];
