// rounded (10): half-precision weights that are exactly the rounding of their float32 masters take nothing. Specified in rounded.md.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// True where the block has a master and each of its elements is the rounding of its master's.
bool is_rounded(const RawBlock& block);

size_t encode_rounded(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_rounded(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
