import { recogniserOf } from './marked-folders.ts';

/** torchtitan: `step-<N>` folders of PyTorch's distributed checkpoints, whose `.metadata` is written last. */
export const torchtitan = recogniserOf({
  name: 'torchtitan',
  folder: /^step-(?<step>\d{1,15})$/,
  trace: /^\.metadata$|\.distcp$/,
  traceDepth: 0,
  required: [{ file: /\.metadata$/, called: '.metadata, which is written last,' }],
  marks: true,
});
