// One plane of symbols, in the cheapest of four modes: raw, constant, Huffman, sparse. Specified in planes.md.
#pragma once

#include "codecs/plane_counts.h"
#include "codecs/wanted.h"

namespace cairn {

enum class PlaneMode : uint8_t { raw = 0, constant, huffman, sparse };

// A sparse plane holds two planes, of which the first may be sparse again; this is as deep as it goes.
constexpr unsigned deepest_plane = 2;

// Writes a plane of n symbols (1 to 2^22) to `out`, which has `slack` bytes behind `capacity`. `depth` is 0 from outside.
// Returns the bytes written, at most n + 1, or does_not_fit where they would be more than `capacity`.
size_t encode_plane(const uint8_t* symbols, size_t n, unsigned depth, Scratch& scratch, uint8_t* out, size_t capacity);

// Reads such a plane of [from, end) and nothing else; symbols may be written `slack` bytes past n.
// Returns the byte after it, or null for bytes that no encoder writes.
const uint8_t* decode_plane(const uint8_t* from, const uint8_t* end, unsigned depth, Scratch& scratch, uint8_t* symbols, size_t n,
                            const Wanted& wanted = {});

// The same for a plane whose symbols were counted, all or a sample; those that were not met are noted in `plane`.
size_t encode_counted_plane(const uint8_t* symbols, size_t n, PlaneCounts& plane, unsigned depth, Scratch& scratch, uint8_t* out,
                            size_t capacity);

// A raw plane's symbols stand behind what this writes, from where it returns.
inline uint8_t* begin_raw_plane(uint8_t* out) {
  *out = static_cast<uint8_t>(PlaneMode::raw);
  return out + 1;
}
size_t encode_raw_plane(const uint8_t* symbols, size_t n, uint8_t* out, size_t capacity);

// About the bytes that encode_plane would write, from the counts of its symbols alone.
size_t estimate_plane(const uint8_t* symbols, size_t n, Scratch& scratch);

}  // namespace cairn
