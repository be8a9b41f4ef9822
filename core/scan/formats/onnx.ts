/**
 * ONNX (onnx.proto of the onnx project): a protocol buffer whose graph carries tensors as initializers and as values of Constant
 * nodes. Their `raw_data`, or a packed `float_data` or `double_data`, are ranges of the file. Graphs nest within nodes.
 */
import type { FileLayout, FormatReader, Part, ReadableFile, Tensor } from '../file-layout.ts';
import { countBytes, countElements, dtypes, type Dtype } from './dtypes.ts';
import { limits } from './limits.ts';
import { arrangeParts } from './parts.ts';
import { ProtobufWalk, type Field } from './protobuf.ts';
import { contradiction, notUnderstood, quoted } from './refusals.ts';

/** TensorProto.DataType. */
const types: Record<number, string> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  4: 'U16',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  12: 'U32',
  13: 'U64',
  14: 'C64',
  15: 'C128',
  16: 'BF16',
  17: 'F8_E4M3',
  18: 'F8_E4M3FNUZ',
  19: 'F8_E5M2',
  20: 'F8_E5M2FNUZ',
  24: 'F8_E8M0',
};

interface Found {
  name: string;
  dtype: Dtype | undefined;
  type: number;
  shape: number[];
  range?: { offset: number; length: number };
  /** The range is `raw_data`, whose length the type and shape give; packed numbers may come in several fields. */
  raw: boolean;
}

function claims(file: ReadableFile): boolean {
  return file.path.endsWith('.onnx') && file.head[0] === 0x08;
}

class OnnxWalk {
  readonly found: Found[] = [];
  private readonly walk: ProtobufWalk;
  private readonly file: ReadableFile;

  constructor(file: ReadableFile) {
    this.file = file;
    this.walk = new ProtobufWalk(file);
  }

  async model(): Promise<void> {
    for await (const field of this.walk.message(0, this.file.size)) if (isMessage(field, 7)) await this.graph(field, 0);
  }

  private async graph(graph: Field, depth: number): Promise<void> {
    if (depth > limits.protobufDepth) throw notUnderstood(this.file, `nests graphs deeper than ${limits.protobufDepth}`);
    for await (const field of this.walk.message(graph.start, graph.length)) {
      if (isMessage(field, 1)) await this.node(field, depth);
      else if (isMessage(field, 5)) await this.tensor(field, '');
    }
  }

  /** A node's outputs come before its attributes, so the first output can name a constant. */
  private async node(node: Field, depth: number): Promise<void> {
    let output = '';
    for await (const field of this.walk.message(node.start, node.length)) {
      if (isMessage(field, 2) && output === '') output = await this.text(field);
      else if (isMessage(field, 5)) await this.attribute(field, output, depth);
    }
  }

  private async attribute(attribute: Field, output: string, depth: number): Promise<void> {
    for await (const field of this.walk.message(attribute.start, attribute.length)) {
      if (isMessage(field, 5) || isMessage(field, 10)) await this.tensor(field, output);
      else if (isMessage(field, 6) || isMessage(field, 11)) await this.graph(field, depth + 1);
    }
  }

  private async tensor(tensor: Field, outerName: string): Promise<void> {
    if (this.found.length >= limits.tensors) throw notUnderstood(this.file, `has more than ${limits.tensors} tensors`);
    const found: Found = { name: outerName, dtype: undefined, type: 0, shape: [], raw: false };
    for await (const field of this.walk.message(tensor.start, tensor.length)) {
      if (field.number === 1) await this.dimensions(field, found.shape);
      else if (field.number === 2) found.type = Number(field.value ?? 0n);
      else if (isMessage(field, 8) && field.length > 0) found.name = await this.text(field);
      else if (field.length > 0 && (isMessage(field, 9) || isMessage(field, 4) || isMessage(field, 10))) takeRange(found, field);
    }
    found.dtype = dtypes.get(types[found.type] ?? '');
    this.check(found);
    this.found.push(found);
  }

  private async dimensions(field: Field, shape: number[]): Promise<void> {
    const tooMany = notUnderstood(this.file, `has a tensor of more than ${limits.dimensions} dimensions`);
    if (field.length > 10 * limits.dimensions) throw tooMany;
    const values = field.wire === 0 ? [field.value ?? 0n] : await this.walk.packed(field.start, field.length);
    shape.push(...values.map(Number));
    if (shape.length > limits.dimensions) throw tooMany;
  }

  private check(found: Found): void {
    if (countElements(found.shape) === undefined) throw contradiction(this.file, `has no proper shape for tensor ${quoted(found.name)}`);
    if (!found.range || !found.dtype) return;
    const wanted = countBytes(found.shape, found.dtype);
    if (wanted === found.range.length) return;
    if (!found.raw) return void delete found.range;
    throw contradiction(
      this.file,
      `has ${found.range.length} bytes for tensor ${quoted(found.name)}, which its type and shape do not give`,
    );
  }

  private async text(field: Field): Promise<string> {
    if (field.length > limits.nameLength) throw notUnderstood(this.file, `has a name of ${field.length} bytes`);
    return this.walk.text(field.start, field.length);
  }
}

function takeRange(found: Found, field: Field): void {
  found.range = { offset: field.start, length: field.length };
  found.raw = field.number === 9;
}

function isMessage(field: Field, number: number): boolean {
  return field.number === number && field.wire === 2;
}

/** @throws CairnError `bad_input` where lengths, types and shapes disagree, `unsupported` above a limit */
async function read(file: ReadableFile): Promise<FileLayout> {
  const walk = new OnnxWalk(file);
  await walk.model();
  const placed = walk.found.filter((found) => found.range);
  const { parts, indices } = arrangeParts(
    file,
    placed.map(({ range, dtype }): Part => ({ offset: 0, length: 0, ...range, element: dtype?.element ?? 1 })),
  );
  const partOf = new Map(placed.map((found, index) => [found, indices[index] as number]));
  const tensors = walk.found.map((found): Tensor => {
    return {
      name: found.name,
      dtype: found.dtype?.name ?? `onnx ${found.type}`,
      shape: found.shape,
      part: partOf.get(found) ?? -1,
      offset: 0,
    };
  });
  return { format: 'onnx', parts, tensors };
}

export const onnx: FormatReader = { name: 'onnx', claims, read };
