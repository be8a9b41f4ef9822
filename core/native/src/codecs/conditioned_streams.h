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

// The differences of a block, taken apart. One entry an element.
struct Differences {
  uint16_t* pairs;      // exponent field of the base << 8 | symbol
  uint8_t* magnitudes;  // `width` bytes each; null where there are none
};

// What an encode table gives for a pair: low bits after the code (1 byte), bits of the code (1 byte), the code.
constexpr unsigned pair_code_bits_shift = 8;
constexpr unsigned pair_code_shift = 16;

// What a decode table gives for the bits at hand, in 4 bytes for elements of 1 or 2 bytes, else in 8:
// bits that the element takes in all (1 byte), those of its code (1 byte, with the top bit set where no encoder writes
// the symbol), and above them the least zigzagged difference of its symbol.
constexpr unsigned code_bits_shift = 8;
constexpr unsigned least_shift = 16;
constexpr unsigned wide_least_shift = 32;
constexpr unsigned refused_entry = 1u << 15;

constexpr unsigned most_difference_streams = 8;

// Everything a decoder needs of a block's streams.
struct CodedDifferences {
  const uint8_t* base;  // `width` bytes an element
  size_t count;         // elements
  const uint8_t* bytes;
  size_t length;
  size_t starts[most_difference_streams + 1];  // byte offset of every stream; the entry after the last is `length`
  unsigned streams;                            // 1 or 8
  size_t per_stream;                           // elements; the last stream has fewer
  const uint32_t* keys;                        // 256, by key: first entry of the key's table
  const void* entries;
  uint32_t index_mask;    // tables have index_mask + 1 entries each
  unsigned longest_bits;  // most bits that one element takes
  bool bytes_alone;       // entries of 4 bytes whose least is wanted as a byte an element, and nothing else
};

}  // namespace cairn
