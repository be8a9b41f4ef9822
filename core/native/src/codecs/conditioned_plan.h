// What the encoders of conditioned.md decide from counts: quiet keys, ranges of keys, sub bits.
#pragma once

#include "codecs/conditioned_differences.h"

namespace cairn {

// Everything the encoder decides for a block before it writes.
struct Plan {
  DifferenceShape shape;    // with the sub bits chosen
  uint8_t coarse[256];      // symbol with the most sub bits -> with those chosen
  KeyTables tables;         // all but the codes
  bool quiet[most_keys];    // keys that are taken as unchanged, what changes is patched
  size_t patches;           // among the counted elements
  uint64_t price;           // bits of the counted elements, about, with patches and what tables cost
  bool possible;            // false where the block can't be coded
};

// Symbols a class.
constexpr unsigned step_of(unsigned sub_bits) { return 2u << sub_bits; }

// Decides by the counts of `counted` elements of a block's `count`, in which keys that become quiet are seen as unchanged then.
// Requires: shape.sub_bits is the most there are, as the counts have them.
Plan make_plan(KeyCounts& counts, size_t counted, size_t count, const DifferenceShape& shape, unsigned most, Scratch& scratch);

// Bits of the low bits of all elements.
uint64_t count_low_bits(const KeyCounts& counts, const Plan& plan);

}  // namespace cairn
