/**
 * Checkpoints as a mixed-precision trainer leaves them: masters in float32 and AdamW's state after real steps, weights rounded to bfloat16
 * and float16. Gradients are made: as large as their rows and columns say, because what feeds a row and asks for a column does that.
 */
import { elements } from '../../core/codec/elements.ts';
import { decodeRounded } from '../decoder/rounded.ts';
import { randomSource } from '../native/contents.ts';
import { bytesOf, type TestTensor } from './files.ts';

const [beta1, beta2, rate, epsilon, decay] = [0.9, 0.95, 3e-4, 1e-8, 0.01];

/** One matrix and what AdamW keeps beside it. */
export class Trained {
  readonly shape: [rows: number, columns: number];
  readonly weights: Float32Array;
  readonly mean: Float32Array;
  readonly squares: Float32Array;
  readonly #random: () => number;
  readonly #levels: Float64Array[];
  #steps = 0;

  constructor(shape: [rows: number, columns: number], seed: number) {
    this.shape = shape;
    this.#random = randomSource(seed);
    const count = shape[0] * shape[1];
    this.weights = Float32Array.from({ length: count }, () => 0.04 * this.#noise());
    [this.mean, this.squares] = [new Float32Array(count), new Float32Array(count)];
    this.#levels = shape.map((length) => Float64Array.from({ length }, () => 2 ** this.#noise()));
  }

  /** Nearly normal. */
  #noise(): number {
    return (this.#random() + this.#random() + this.#random()) / 2 ** 31 - 3;
  }

  step(): void {
    this.#steps += 1;
    const [rows, columns] = this.#levels as [Float64Array, Float64Array];
    const [bias1, bias2] = [1 - beta1 ** this.#steps, 1 - beta2 ** this.#steps];
    for (let at = 0; at < this.weights.length; at += 1) {
      const gradient = 1e-4 * rows[Math.floor(at / columns.length)]! * columns[at % columns.length]! * this.#noise();
      const mean = (this.mean[at] = beta1 * this.mean[at]! + (1 - beta1) * gradient);
      const square = (this.squares[at] = beta2 * this.squares[at]! + (1 - beta2) * gradient * gradient);
      this.weights[at]! -= rate * (mean / bias1 / (Math.sqrt(square / bias2) + epsilon) + decay * this.weights[at]!);
    }
  }
}

const wide = (name: string, shape: number[], values: Float32Array): TestTensor => ({ name, dtype: 'F32', shape, bytes: bytesOf(values).slice() }); // prettier-ignore

/** Masters and state, named as torch names them once flattened. */
export const stateOf = (name: string, { shape, weights, mean, squares }: Trained): TestTensor[] => [
  wide(`master.${name}`, shape, weights),
  wide(`state.${name}.exp_avg`, shape, mean),
  wide(`state.${name}.exp_avg_sq`, shape, squares),
];

/** The weights as a model in half precision holds them. */
export function halfOf(name: string, { shape, weights }: Trained, dtype: 'BF16' | 'F16'): TestTensor {
  const element = dtype === 'BF16' ? elements.bfloat16 : elements.float16;
  return { name, dtype, shape, bytes: decodeRounded(new Uint8Array(), weights.length * 2, element, bytesOf(weights)) };
}
