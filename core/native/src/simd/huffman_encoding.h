// Encoding Huffman streams, in portable code. Included once by each instruction set's file, in whose unnamed namespace
// everything lands, so that each gets its own copy with its own compiler flags.
#pragma once

#include "codecs/huffman.h"

namespace cairn {
namespace {

// Entries for `join_four`: the length of a code, and the code left-aligned in the 64 bits, so that putting a code behind others is a
// shift to the right by the low six bits of its entry and an OR.
void fill_encode_table(const PrefixCode& code, uint64_t entries[256]) {
  uint16_t bits[256];
  assign_codes(code, bits);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    const unsigned length = code.lengths[symbol];
    entries[symbol] = length == 0 ? 0 : uint64_t{bits[symbol]} << (64 - length) | length;
  }
}

// Four codes pushed in from the top, then moved down: what lies below them (lengths, older bits) falls out.
struct Piece {
  uint64_t bits;
  unsigned count;
};

CAIRN_INLINE Piece join_four(const uint8_t* symbols, const uint64_t* entries) {
  const uint64_t a = entries[symbols[0]], b = entries[symbols[1]], c = entries[symbols[2]], d = entries[symbols[3]];
  uint64_t bits = a;
  bits = bits >> (b & 63) | b;
  bits = bits >> (c & 63) | c;
  bits = bits >> (d & 63) | d;
  const unsigned count = static_cast<uint8_t>(a + b + c + d);
  return {bits >> (-count & 63), count};  // four codes of a code that is not lone: count from 4 to 48
}

CAIRN_INLINE void append_symbols(const uint8_t* symbols, size_t n, const uint64_t entries[256], BitWriter& out) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const Piece piece = join_four(symbols + i, entries);
    out.put(piece.bits, piece.count);
  }
  for (; i < n; ++i) {
    const uint64_t entry = entries[symbols[i]];
    const unsigned length = entry & 63;
    out.put(entry >> (64 - length), length);
  }
}

// Codes each stream of n symbols with `encode`, which takes the symbols, how many, and where to write, and returns the end. The rest as
// Kernels::encode_streams.
template <class Encode>
CAIRN_INLINE size_t encode_each_stream(const uint8_t* symbols, size_t n, uint8_t* out, size_t sizes[8], const Encode& encode) {
  const StreamLayout layout(n);
  uint8_t* at = out;
  for (unsigned s = 0; s < layout.streams; ++s) {
    uint8_t* const end = encode(symbols + layout.begin(s, n), layout.size(s, n), at);
    sizes[s] = static_cast<size_t>(end - at);
    at = end;
  }
  return static_cast<size_t>(at - out);
}

}  // namespace
}  // namespace cairn
