// The records between the codecs of conditioned.md and their kernels (simd/conditioned_kernels.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// How elements become differences.
struct DifferenceShape {
  uint8_t width;          // bytes: 1, 2 or 4
  uint8_t mantissa_bits;  // of the floating-point type; the key of an element is the exponent field above them
  uint8_t trailing_bits;  // lowest bits that are zero in every raw element; at most mantissa_bits
  uint8_t sub_bits;       // bits under the leading one that belong to the symbol
};

// The differences of a block, taken apart. Arrays of one entry an element.
struct Differences {
  uint8_t* keys;        // exponent field of the base
  uint8_t* symbols;
  uint8_t* magnitudes;  // `width` bytes each
};

// The code of the elements with one key: where its table starts, and by how much its symbols are shifted up.
struct KeyCode {
  uint32_t table;
  uint8_t symbol_shift;
};

struct SymbolMeaning {
  uint32_t least;    // smallest magnitude of the symbol
  uint8_t low_bits;  // bits that follow the code
  uint8_t refused;   // 1 where no encoder writes it
};

constexpr unsigned most_difference_streams = 8;

// Everything a decoder needs of a block's streams.
struct CodedDifferences {
  const uint8_t* base;  // `width` bytes an element
  size_t count;         // elements
  const uint8_t* bytes;
  size_t length;
  size_t starts[most_difference_streams + 1];  // byte offset of every stream; the entry after the last is `length`
  unsigned streams;                 // 1 or 8
  size_t per_stream;                // elements; the last stream has fewer
  const KeyCode* keys;              // 256, by key
  const uint16_t* tables;           // entries of length | symbol << 8
  uint32_t index_mask;              // tables have index_mask + 1 entries each
  unsigned longest_bits;            // most bits that one element takes
  const SymbolMeaning* meanings;    // 256, by symbol; null where symbols are wanted, not differences
};

}  // namespace cairn
