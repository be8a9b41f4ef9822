/** Storage classes and dtypes of torch as dtypes of ours. What safetensors has no name for keeps torch's. */
import { elements } from '../../codec/elements.ts';
import { dtypes, type Dtype } from './dtypes.ts';

const bySafetensorsName: [string, string, string[]][] = [
  ['F32', 'FloatStorage', ['float32', 'float']],
  ['F64', 'DoubleStorage', ['float64', 'double']],
  ['F16', 'HalfStorage', ['float16', 'half']],
  ['BF16', 'BFloat16Storage', ['bfloat16']],
  ['I64', 'LongStorage', ['int64', 'long']],
  ['I32', 'IntStorage', ['int32', 'int']],
  ['I16', 'ShortStorage', ['int16', 'short']],
  ['I8', 'CharStorage', ['int8']],
  ['U8', 'ByteStorage', ['uint8']],
  ['BOOL', 'BoolStorage', ['bool']],
  ['C64', 'ComplexFloatStorage', ['complex64', 'cfloat']],
  ['C128', 'ComplexDoubleStorage', ['complex128', 'cdouble']],
  ['U16', 'UInt16Storage', ['uint16']],
  ['U32', 'UInt32Storage', ['uint32']],
  ['U64', 'UInt64Storage', ['uint64']],
  ['F8_E4M3', 'Float8_e4m3fnStorage', ['float8_e4m3fn']],
  ['F8_E5M2', 'Float8_e5m2Storage', ['float8_e5m2']],
  ['F8_E4M3FNUZ', 'Float8_e4m3fnuzStorage', ['float8_e4m3fnuz']],
  ['F8_E5M2FNUZ', 'Float8_e5m2fnuzStorage', ['float8_e5m2fnuz']],
  ['F8_E8M0', 'Float8_e8m0fnuStorage', ['float8_e8m0fnu']],
];

const own: [Dtype, string][] = [
  [{ name: 'qint8', bits: 8, element: elements.bytes8 }, 'QInt8Storage'],
  [{ name: 'quint8', bits: 8, element: elements.bytes8 }, 'QUInt8Storage'],
  [{ name: 'qint32', bits: 32, element: elements.int32 }, 'QInt32Storage'],
  [{ name: 'quint4x2', bits: 8, element: elements.bytes8 }, 'QUInt4x2Storage'],
  [{ name: 'quint2x4', bits: 8, element: elements.bytes8 }, 'QUInt2x4Storage'],
  [{ name: 'complex32', bits: 32, element: elements.float16 }, 'ComplexHalfStorage'],
  [{ name: 'float4_e2m1fn_x2', bits: 8, element: elements.bytes8 }, 'Float4_e2m1fn_x2Storage'],
];

/** Several small integers to a byte: shapes count the integers, so lengths don't follow from them. */
const packed = new Set(['quint4x2', 'quint2x4']);

const byStorage = new Map<string, Dtype>();
const byName = new Map<string, Dtype>();
for (const [name, storage, names] of bySafetensorsName) {
  const dtype = dtypes.get(name) as Dtype;
  byStorage.set(storage, dtype);
  for (const alias of names) byName.set(alias, dtype);
}
for (const [dtype, storage] of own) {
  byStorage.set(storage, dtype);
  byName.set(dtype.name, dtype);
}

/** Dtype of a storage class such as FloatStorage; `untyped` for one that holds bytes of any dtype. */
export function storageDtype(className: string): Dtype | 'untyped' | undefined {
  return className === 'UntypedStorage' || className === '_UntypedStorage' ? 'untyped' : byStorage.get(className);
}

/** Dtype by torch's name for it, without `torch.` in front. */
export function torchDtype(name: string): Dtype | undefined {
  return byName.get(name);
}

/** Whether several elements share a byte, so that a shape doesn't say how many bytes there are. */
export function isPacked(dtype: Dtype): boolean {
  return packed.has(dtype.name);
}
