import { recogniserOf } from './marked-folders.ts';

/** OLMo: `step<N>` and `step<N>-unsharded` folders with config.yaml, model, optimizer and trainer state. */
export const olmo = recogniserOf({
  name: 'olmo',
  folder: /^step(?<step>\d{1,15})(-unsharded)?(-tmp)?$/,
  trace: /^(train\.pt|optim\.pt|optim\.safetensors)$/,
  traceDepth: 2,
  required: [
    { file: /^(train\.pt|rank\d+\.pt)$/, called: 'train.pt' },
    { file: /^(model\.(pt|safetensors)|rank\d+\.pt|.*\.distcp)$/, called: 'model.pt' },
  ],
  marks: false,
});
