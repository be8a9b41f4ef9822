/** What part of a checkpoint a file is, by its name. */
import type { PartName } from '../found.ts';

const provableExtension = /\.(safetensors|pt|pth|bin|ckpt|ptl|jit|distcp|gguf|npz|npy|onnx|h5|keras|msgpack|nemo)$/i;
const weightsExtension = /\.(safetensors|pt|pth|bin|ckpt|ptl|jit|gguf|ggml|onnx|h5|keras|msgpack|npz|nemo)$/i;
const textExtension = /\.(json|jsonl|txt|md|ya?ml|toml|ini|cfg|csv|tsv|log|py|sh|jinja|html|xml|gitattributes|gitignore)$/i;

const optimizerName = /(optim|(^|[-_.])opt([-_.]|$)|zero_pp_rank|exp_avg)/i;
const schedulerName = /(scheduler|lr_sched)/i;
const randomName = /(^|[-_.])(rng|random)_?states?|^random_states/i;
const configurationName =
  /(config|^args|training_args|tokenizer|vocab|merges|special_tokens|hparams|generation|\.model$|template|preprocessor)/i;
/** Files of tensors that are no model: they don't make a folder a checkpoint. */
const sideName =
  /(training_args|dl_state_dict|^sampler|^scaler|dataloader|metrics|dataset|embeddings_cache|^common\.pt$|^(data|train|val|valid|validation|test|eval)([-_.]|$))/i;
/** `.bin` and `.npz` hold anything at all: only these names make them a model. */
const vagueExtension = /\.(bin|npz)$/i;
const modelName = /(model|param|weight|adapter|checkpoint|ckpt|consolidated|diffusion|state|step|epoch|iter|ema|net)/i;

/** True where a header may be worth reading: everything but text. */
export function mayHoldTensors(name: string): boolean {
  return !textExtension.test(name) && name.includes('.') && !name.startsWith('.');
}

/** True for files whose reader knows where they end, so that one that can't be read is not proved to be whole. */
export function isProvable(name: string): boolean {
  return provableExtension.test(name);
}

/** True for files that can be a model by themselves. */
export function isWeightsFile(name: string): boolean {
  return weightsExtension.test(name) && partOf(name) === 'weights' && (!vagueExtension.test(name) || modelName.test(name));
}

export function partOf(name: string): PartName {
  if (randomName.test(name)) return 'random';
  if (schedulerName.test(name)) return 'scheduler';
  if (optimizerName.test(name)) return 'optimizer';
  if (sideName.test(name)) return configurationName.test(name) ? 'configuration' : 'other';
  if (weightsExtension.test(name) || /\.distcp$/i.test(name)) return 'weights';
  if (configurationName.test(name) || /\.(json|ya?ml|toml)$/i.test(name)) return 'configuration';
  return 'other';
}
