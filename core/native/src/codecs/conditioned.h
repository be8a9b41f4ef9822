// The codecs conditioned and difference-planes (FORMAT.md ids 8 and 9), specified in conditioned.md: the difference of an
// element from its base, as ordered integers, coded with tables that the exponent of the base chooses.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// Interface and promises: codec.h. For floating-point elements of up to 4 bytes with a base; otherwise the encoders
// answer does_not_fit and the decoders false.
size_t encode_conditioned(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_conditioned(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
size_t encode_conditioned_parts(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_conditioned_parts(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
size_t encode_difference_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_difference_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

// About the bytes that the encoder would write, from a fixed sample of the block; does_not_fit where it would refuse.
size_t estimate_conditioned(const RawBlock& block, Scratch& scratch);
size_t estimate_difference_planes(const RawBlock& block, Scratch& scratch);

}  // namespace cairn
