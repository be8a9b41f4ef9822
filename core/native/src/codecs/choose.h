// Which codec a block gets: constant, then unchanged, then rounded, then the smallest of the method's codecs, then raw. The same block
// gives the same bytes on every machine.
#pragma once

#include "base/scratch.h"
#include "codecs/codec.h"

namespace cairn {

enum class Method : uint8_t { cairn, lmc };

// Codes a block with the codec that suits it best: the codec id, then its bytes. `out` has room for length + 1 bytes and
// `slack` more. Returns the stored length, at most length + 1.
size_t encode_chosen(Method method, const RawBlock& block, Scratch& scratch, uint8_t* out);

}  // namespace cairn
