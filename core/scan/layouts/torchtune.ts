import { recogniserOf } from './marked-folders.ts';

/** torchtune: `epoch_<k>` or `step_<k>` folders with a model and, for resuming, the recipe's state. */
export const torchtune = recogniserOf({
  name: 'torchtune',
  folder: /^(?:epoch|step)_(?<step>\d{1,15})$/,
  trace: /^(recipe_state\.pt|adapter_\d+\.pt|hf_model_\d+_\d+\.pt|ft-model-\d+-of-\d+\.(safetensors|bin)|torchtune_config\.ya?ml)$/,
  traceDepth: 1,
  required: [{ file: /\.(safetensors|pt|bin|distcp)$/, called: 'a file with weights' }],
  marks: false,
});
