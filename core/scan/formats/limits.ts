/** Every limit that readers hold untrusted files to, in one place. What exceeds one is archived as bytes, never refused. */
const mebibyte = 1024 * 1024;

export const limits = {
  /** safetensors: the specification's own limit of the header. */
  safetensorsHeaderBytes: 100_000_000,
  jsonDepth: 16,
  /** Maps and lists of one JSON text, and values altogether: what decides over the memory it takes. */
  jsonContainers: 800_000,
  jsonValues: 8_000_000,
  shardIndexBytes: 64 * mebibyte,
  zarrMetadataBytes: mebibyte,

  /** In one file, named or not. */
  tensors: 250_000,
  /** Of all names of a file together; a name alone may have `nameLength`. */
  nameLengthSum: 64 * mebibyte,
  nameLength: 4096,
  dimensions: 64,

  zipDirectoryBytes: 64 * mebibyte,
  zipMembers: 300_000,
  zipNameBytes: 4096,

  /** Bytes of one pickle, inflated or not. */
  pickleBytes: 64 * mebibyte,
  pickleOpcodes: 8_000_000,
  /** Texts, lists, tuples, dictionaries, globals, calls of one pickle: what decides over the memory it takes. */
  pickleRecords: 2_000_000,
  pickleMemo: 4_000_000,
  pickleLineBytes: 65_536,
  pickleIntegerBytes: 1024,
  /** Levels of nesting in which tensors are looked for, and places visited altogether. */
  treeDepth: 200,
  treeVisits: 8_000_000,
  /** Names that one and the same tensor may go by. */
  namesPerTensor: 10_000,
  storages: 250_000,

  npyHeaderBytes: mebibyte,
  /** Compressed arrays of one .npz whose headers are looked at. */
  npzDeflated: 10_000,

  ggufHeaderBytes: 64 * mebibyte,
  ggufKeys: 1_000_000,
  ggufArrayDepth: 4,

  /** Fields of one ONNX file outside tensor contents, and how deep messages may nest. */
  protobufFields: 8_000_000,
  protobufDepth: 64,

  msgpackItems: 4_000_000,
  msgpackDepth: 64,
} as const;
