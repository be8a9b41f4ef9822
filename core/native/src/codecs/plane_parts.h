// A plane of a block: whole (plane.h), or in parts of 65,536 symbols with codes of their own where its statistics change on the
// way, as those of embeddings do from token to token. Specified in planes.md.
#pragma once

#include "codecs/plane_counts.h"
#include "codecs/wanted.h"

namespace cairn {

constexpr uint8_t parts_mode = 4;

// As encode_plane, at depth 0.
size_t encode_block_plane(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity);

// As decode_plane, but a raw plane stays where it is: `symbols` is then inside [from, end), else what was decoded to `room`,
// which has room for n symbols and `slack`.
const uint8_t* view_block_plane(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* room, size_t n,
                                const Wanted& wanted, const uint8_t*& symbols);

}  // namespace cairn
