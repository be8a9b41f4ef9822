// What conditioned and difference-planes share: which elements have differences, and how blocks are taken apart.
#pragma once

#include "codecs/conditioned_streams.h"
#include "codecs/conditioned_tables.h"

namespace cairn {

// Bits of the exponent field; 0 for elements that these codecs don't know.
unsigned key_bits_of(Element element);

// Shape of an element's differences, nothing left out. Requires: key_bits_of is not 0.
DifferenceShape shape_of(Element element);

// Most sub bits whose symbols fit a byte.
unsigned most_sub_bits(unsigned width);

// Magnitude number of conditioned.md. Requires: sub_bits at most 3.
unsigned number_of(uint32_t magnitude, unsigned sub_bits);

struct SymbolMeaning {
  uint32_t least;    // smallest zigzagged difference
  uint8_t low_bits;  // bits that follow the code, of weight 2 and up in the zigzagged difference
  bool refused;      // no encoder writes it
};

// Meanings of all 256 symbols of conditioned; those that no magnitude of the shape has are refused.
void fill_meanings(const DifferenceShape& shape, SymbolMeaning meanings[256]);

// Lowest bits that are zero in all elements, at most the mantissa's.
unsigned count_trailing_zeros(const uint8_t* raw, size_t length, const DifferenceShape& shape);

// Memory for the differences of `count` elements.
Differences take_differences(Scratch& scratch, size_t count, unsigned width);

// Symbols are shared among streams as evenly as they can be: all but the last have `per_stream`.
struct DifferenceStreams {
  unsigned streams;
  size_t per_stream;

  explicit DifferenceStreams(size_t count);
  size_t begin(unsigned stream, size_t count) const { return stream * per_stream < count ? stream * per_stream : count; }
};
constexpr size_t stream_length_bytes = 3;
constexpr size_t longest_stream = (size_t{1} << 24) - 1;

// Writes the streams of all elements with pack_differences: their lengths, then they. `bits` is what all codes take
// together. Returns the bytes written, or does_not_fit where they could be more than `capacity`.
size_t write_streams(const Differences& from, size_t count, unsigned width, const uint32_t* entries, uint64_t bits, uint8_t* out, size_t capacity);

// Fills what a decoder needs to know of the streams in [from, end), which are all that is there, and makes its tables.
// Requires: coded.count and coded.bytes_alone are set; key_memory has 256 entries.
// False where the lengths contradict each other.
bool open_streams(const uint8_t* from, const uint8_t* end, const DifferenceShape& shape, const KeyTables& tables, const SymbolMeaning meanings[256], Scratch& scratch,
                  uint32_t* key_memory, CodedDifferences& coded);

// A part of a block that stands for all of it in estimates: all of a short one. Returns its elements.
size_t take_sample(const RawBlock& block, Scratch& scratch, RawBlock& sample);

}  // namespace cairn
