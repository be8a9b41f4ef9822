// The common case of a delta, decided and coded in one go.
#pragma once

#include "base/scratch.h"
#include "codecs/codec.h"

namespace cairn {

// Codes a block as conditioned-parts where a sample shows that nothing else comes near; does_not_fit where it doesn't.
size_t encode_if_far_ahead(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);

}  // namespace cairn
