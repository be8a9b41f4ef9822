// The patches of conditioned.md: elements that changed where the others of their key are quiet.
#pragma once

#include "codecs/codec.h"
#include "codecs/bit_stream.h"
#include "codecs/conditioned_streams.h"

namespace cairn {

struct Patch {
  size_t position;
  uint64_t value;  // zigzagged difference, less 1
};

// Writes the list of all patches, by position, of a block of `count` elements: at most longest_patches bytes.
void write_patches(const Patch* patches, size_t patch_count, size_t count, BitWriter& out);

// Enough bytes for any list of patches: twice the count for the ones of the gaps, and each its own bits.
constexpr size_t longest_patches(size_t count, size_t patches) { return 8 + count / 2 + patches * 16; }

// A list of patches in stored bytes.
class PatchList {
 public:
  // Reads over the list, to its end. False where it isn't one for a block of `count` elements of this shape.
  bool read(BitReader& in, size_t count, const DifferenceShape& shape);

  // Restores the patched elements. Requires: read, with this shape.
  void apply(const DifferenceShape& shape, const RawTarget& target) const;

 private:
  size_t patches_ = 0;
  unsigned gap_bits_ = 0;
  BitReader bits_{nullptr, nullptr};
};

}  // namespace cairn
