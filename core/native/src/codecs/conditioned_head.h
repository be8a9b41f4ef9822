// What blocks of conditioned and of conditioned-parts start with: sub bits and trailing bits, tables, patches.
#pragma once

#include "codecs/conditioned_patches.h"
#include "codecs/conditioned_plan.h"

namespace cairn {

// True for blocks that have differences.
bool has_differences(const RawBlock& block);

// The shape of a block's differences with the most sub bits, its trailing zeros left out. Requires: has_differences.
DifferenceShape measure_shape(const RawBlock& block);

// Differences of a part of the block that stands for all of it: of all of a short one.
struct Sampled {
  DifferenceShape shape;
  size_t count;
  RawBlock part;
  Differences differences;  // with the most sub bits
};
Sampled all_differences(const RawBlock& block, const DifferenceShape& shape, Scratch& scratch);
Sampled sample_differences(const RawBlock& block, const DifferenceShape& shape, Scratch& scratch);

// About the bytes of a block of `count` elements with a plan made from `counted` of them.
size_t estimate_of(const Plan& plan, size_t counted, size_t count);

// Writes the head to `out`, at most longest_head bytes. Returns its end.
uint8_t* write_head(const Plan& plan, const Patch* patches, size_t patch_count, size_t count, unsigned key_bits, uint8_t* out);
constexpr size_t longest_head(size_t count, size_t patches) { return 1 + longest_key_tables + longest_patches(count, patches); }

struct Head {
  DifferenceShape shape;
  KeyTables tables;
  PatchList patches;
  const uint8_t* end;
};

// Reads such a head. False for bytes that no encoder writes, elements without differences and targets without a base.
bool read_head(const StoredBlock& stored, const RawTarget& target, Head& head);

}  // namespace cairn
