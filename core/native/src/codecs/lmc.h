// The codecs lmc and lmc-xor (FORMAT.md ids 6 and 7), specified in lmc.md: the method of "Lossless Compression for LLM
// Tensor Incremental Snapshots" (Waddington, Constantinescu, arXiv 2505.09810), kept so that anyone can compare.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// Interface and promises: codec.h. A block never needs more than its length plus one byte a group. The xor
// pair wants a base: without one the encoder answers does_not_fit and the decoder false.
size_t encode_lmc(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
size_t encode_lmc_xor(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_lmc(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
bool decode_lmc_xor(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
