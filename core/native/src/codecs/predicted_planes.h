// What moment, rows and rows-base share: the planes of float32 elements whose top plane is stored as the difference from a
// prediction. Specified in predicted.md.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// Mantissa bits that belong to the top plane, beside the lowest bits of the exponent.
constexpr unsigned finest_prediction = 3;

// Bits that suit so many elements: fine ones have many symbols, whose table a small block doesn't pay for.
unsigned sub_bits_for(size_t elements);

// Writes the four planes, `predicted` (one byte an element) taken from the top one. As encode_plane returns.
size_t write_predicted(const RawBlock& block, const uint8_t* predicted, unsigned sub_bits, Scratch& scratch, uint8_t* out, size_t capacity);

// Reads them from all of [from, end). False for bytes that no encoder writes.
bool read_predicted(const uint8_t* from, const uint8_t* end, const uint8_t* predicted, unsigned sub_bits, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
