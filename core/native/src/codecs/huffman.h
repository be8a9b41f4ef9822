// A plane of symbols as a Huffman code's table and up to eight independent bit streams. The bytes are specified in
// huffman.md.
#pragma once

#include "codecs/codec.h"
#include "codecs/prefix_code.h"
#include "codecs/wanted.h"

namespace cairn {

constexpr unsigned most_streams = 8;

// How n symbols are shared out: stream i has symbols i * per .. min((i + 1) * per, n) - 1, which may be none.
// Eight streams keep eight dependency chains in flight; below 2048 symbols one stream saves its cost.
struct StreamLayout {
  unsigned streams;
  size_t per;

  CAIRN_INLINE explicit StreamLayout(size_t n) : streams(n < 2048 ? 1 : most_streams), per(n < 2048 ? n : (n + 511) / 512 * 64) {}
  CAIRN_INLINE size_t begin(unsigned stream, size_t n) const { return stream * per < n ? stream * per : n; }
  CAIRN_INLINE size_t size(unsigned stream, size_t n) const { return begin(stream + 1, n) - begin(stream, n); }
};

// The streams of n symbols, one after the other: stream i is [bounds[i], bounds[i + 1]).
struct CodedStreams {
  const uint8_t* bounds[most_streams + 1];
  uint8_t* symbols;
  size_t n;
  Wanted wanted;
};

// Codes n symbols. Requires: every symbol has a code in `code`, which is not lone; n from 1 to 2^22; symbols may
// be read `slack` bytes past their end; `work` has stream_work(n) bytes; `out` has `slack` bytes behind `capacity`.
// Returns the bytes written, or does_not_fit where they would be more than `capacity`.
size_t encode_symbols(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* work, uint8_t* out, size_t capacity);
constexpr size_t stream_work(size_t n) { return n * max_code_bits / 8 + most_streams * (slack + 64 * max_code_bits / 8); }

// Decodes n symbols to `symbols`, which may be written up to `slack` bytes past them. Reads only [from, end).
// Returns the byte after the last stream, or null for bytes that no encoder writes.
const uint8_t* decode_symbols(const uint8_t* from, const uint8_t* end, uint8_t* symbols, size_t n, const Wanted& wanted = {});

}  // namespace cairn
