import { recogniserOf } from './marked-folders.ts';

/**
 * Accelerate's `save_state`: `checkpoint_<i>` by itself, `checkpoint-<N>`, `step_<N>` and `epoch_<k>` in the scripts built on it
 * (diffusers). The random states are written last.
 */
export const accelerate = recogniserOf({
  name: 'accelerate',
  folder: /^(?:checkpoint|step|epoch)[-_](?<step>\d{1,15})$/,
  trace: /^(random_states_\d+\.pkl|dl_state_dict(_\d+)?\.bin|custom_checkpoint_\d+\.pkl|(optimizer|scheduler)(_\d+)?\.bin)$/,
  traceDepth: 0,
  required: [{ file: /^random_states_\d+\.pkl$/, called: 'random_states_0.pkl, which Accelerate writes last,' }],
  marks: true,
});
