/** Tensor types of ggml by id: elements to a block, bytes of a block (`ggml_type` and `block_*` of ggml). */
import { elements, type ElementId } from '../../codec/elements.ts';

export interface GgmlType {
  name: string;
  blockElements: number;
  blockBytes: number;
  element: ElementId;
}

const { bytes8, int16, int32, int64, float16, bfloat16, float32, float64 } = elements;

const plain: [number, string, number, ElementId][] = [
  [0, 'F32', 4, float32],
  [1, 'F16', 2, float16],
  [24, 'I8', 1, bytes8],
  [25, 'I16', 2, int16],
  [26, 'I32', 4, int32],
  [27, 'I64', 8, int64],
  [28, 'F64', 8, float64],
  [30, 'BF16', 2, bfloat16],
];

/** Ids that are missing here were never written to files, or were taken back. */
const blocks: [number, string, number, number][] = [
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [9, 'Q8_1', 32, 36],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [29, 'IQ1_M', 256, 56],
  [31, 'Q4_0_4_4', 32, 18],
  [32, 'Q4_0_4_8', 32, 18],
  [33, 'Q4_0_8_8', 32, 18],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
  [40, 'NVFP4', 64, 36],
  [41, 'Q1_0', 128, 18],
];

export const ggmlTypes: ReadonlyMap<number, GgmlType> = new Map<number, GgmlType>([
  ...plain.map(([id, name, blockBytes, element]) => [id, { name, blockElements: 1, blockBytes, element }] as const),
  ...blocks.map(([id, name, blockElements, blockBytes]) => [id, { name, blockElements, blockBytes, element: bytes8 }] as const),
]);
