// The interface of every block codec: pure functions from memory to memory, no I/O, no allocation per call beyond
// the scratch they are given, no global state. FORMAT.md section 2 lists the ids; each codec's .md gives its bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// Element ids of FORMAT.md.
enum class Element : uint8_t {
  bytes8 = 1, int16, int32, int64, float16, bfloat16, float32, float64, float8e4m3, float8e5m2,
};

// Codec ids of FORMAT.md.
enum class CodecId : uint8_t {
  raw = 0, constant, unchanged, zstd, planes, xor_planes, lmc, lmc_xor, conditioned, difference_planes,
  rounded, moment, rows, rows_base, conditioned_parts,
};

// Role ids of FORMAT.md: what a codec decodes a block against. `none` isn't stored.
enum class Role : uint8_t { none = 0, base, master, second_moment };

// A block before coding. `base` is null where the blob has none, else as long as `raw`.
// Both may be read up to `slack` bytes past their end, without meaning.
struct RawBlock {
  const uint8_t* raw;
  const uint8_t* base;
  size_t length;  // bytes; a multiple of the element's width
  Element element;
  // The same elements of a content of the same checkpoint that says something of this one, float32, and its role; null where
  // the blob has none.
  const uint8_t* companion = nullptr;
  Role companion_role = Role::none;
  // Elements a row of the tensor that the block is part of, and the column of its first element (below it); 0 where unknown.
  uint32_t columns = 0;
  uint32_t first_column = 0;
};

// A block after coding: `data` points behind the codec id.
struct StoredBlock {
  const uint8_t* data;
  size_t length;
};

// Where a block is decoded to. `raw` may be written up to `slack` bytes past `length`.
struct RawTarget {
  uint8_t* raw;
  const uint8_t* base;
  size_t length;
  Element element;
  const uint8_t* companion = nullptr;  // in the role that the codec needs; null where that is none or base
};

constexpr size_t slack = 128;

size_t width_of(Element element);

// Working memory of one thread, reused from block to block so that no page is faulted in twice.
class Scratch;

// An encoder writes at most `capacity` bytes (codec id not included) to `out`, which has `slack` more, and returns
// how many, or `does_not_fit` where the block would need more than `capacity`.
constexpr size_t does_not_fit = SIZE_MAX;
using EncodeBlock = size_t (*)(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);

// A decoder trusts nothing in `stored`: it returns false for bytes that no encoder writes, never reads outside
// [data, data + length) and never writes outside the target and its slack.
using DecodeBlock = bool (*)(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
