// The codecs planes and xor-planes (FORMAT.md ids 4 and 5), specified in planes.md: the bytes of the elements, gathered by
// significance, each plane coded alone; of the elements themselves or of their XOR with the base.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// Interface and promises: codec.h. A block never needs more than its length plus one byte and one a plane. The xor
// pair wants a base: without one the encoder answers does_not_fit and the decoder false.
size_t encode_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
size_t encode_xor_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
bool decode_xor_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

// About the bytes that the encoder would write, at the price of splitting and of counting samples. The xor one requires a base.
size_t estimate_planes(const RawBlock& block, Scratch& scratch);
size_t estimate_xor_planes(const RawBlock& block, Scratch& scratch);

}  // namespace cairn
