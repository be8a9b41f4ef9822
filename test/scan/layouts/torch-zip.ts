/** Writes a file as torch.save does: a zip of a pickle and one record a storage, nothing compressed. */
import { crc32 } from 'node:zlib';

/** A float32 tensor of one value, as torch keeps the step counts of AdamW. */
const scalar = (storage: number): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\nFloatStorage\n${text(String(storage))}${text('cpu')}K\x01tQK\x00))\x89ccollections\nOrderedDict\n)RtR`;

function text(value: string): string {
  return `X${String.fromCharCode(value.length, 0, 0, 0)}${value}`;
}

/** Nested dictionaries as a pickle of protocol 2; numbers become tensors, in the order of `values`. */
function pickled(value: unknown, values: number[]): string {
  if (typeof value === 'number') return scalar(values.push(value) - 1);
  const items = Object.entries(value as object).map(
    ([key, item]) => `${/^\d+$/.test(key) ? `K${String.fromCharCode(Number(key))}` : text(key)}${pickled(item, values)}s`,
  );
  return `}${items.join('')}`;
}

export function torchZip(content: unknown): Buffer {
  const values: number[] = [];
  const pickle = Buffer.from(`\x80\x02${pickled(content, values)}.`, 'latin1');
  const storages = values.map((value, at): [string, Buffer] => [`archive/data/${at}`, Buffer.from(Float32Array.of(value).buffer)]);
  return zip([['archive/data.pkl', pickle], ...storages, ['archive/version', Buffer.from('3\n')]]);
}

function zip(records: [string, Buffer][]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of records) {
    const shared = Buffer.alloc(26);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(bytes.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name), bytes]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x00\x00', 'latin1'), shared, place, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const table = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(records.length, 4);
  end.writeUInt16LE(records.length, 6);
  end.writeUInt32LE(table.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, table, Buffer.from('PK\x05\x06'), end]);
}
