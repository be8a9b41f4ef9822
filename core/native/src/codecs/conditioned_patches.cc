#include "codecs/conditioned_patches.h"

#include <cstring>

namespace cairn {
namespace {

void put_ones_and_zero(uint64_t ones, BitWriter& out) {
  for (; ones >= 32; ones -= 32) out.put(0xffffffffu, 32);
  out.put((uint64_t{1} << ones) - 1, static_cast<unsigned>(ones) + 1);
}

unsigned gap_bits_for(size_t count, size_t patches) { return 63 - static_cast<unsigned>(__builtin_clzll(count / patches | 1)); }

// False where a gap is too long or a value too great for the shape.
bool read_patch(BitReader& in, unsigned gap_bits, size_t next, size_t count, const DifferenceShape& shape, Patch& patch) {
  size_t quotient = 0;
  for (; in.take(1) != 0; ++quotient) {
    if (quotient > count >> gap_bits) return false;
  }
  patch.position = next + (quotient << gap_bits) + in.take(gap_bits);
  unsigned below = 0;
  for (; in.take(1) != 0; ++below) {
    if (below > shape.width * 8u) return false;
  }
  patch.value = uint64_t{1} << below | in.take(below);
  const uint64_t greatest = uint64_t{1} << (shape.width * 8 - shape.trailing_bits);
  return !in.overrun() && patch.position < count && patch.value < greatest - 1;
}

// Restores one element from its base and the difference in a patch.
template <class T>
void apply_patch(const Patch& patch, const DifferenceShape& shape, const RawTarget& target) {
  T base;
  std::memcpy(&base, target.base + patch.position * sizeof(T), sizeof(T));
  const T kept = static_cast<T>(static_cast<T>(~T{0}) << shape.trailing_bits), sign = static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  const bool negative = (base & sign) != 0, inward = patch.value % 2 == 0;
  base &= kept;
  const T magnitude = static_cast<T>(static_cast<T>((patch.value + 1) / 2) << shape.trailing_bits);
  const T ordered = static_cast<T>(negative ? base ^ kept : base ^ sign);
  const T restored = static_cast<T>(inward != negative ? ordered - magnitude : ordered + magnitude);
  const T raw = static_cast<T>((restored & sign) != 0 ? restored ^ sign : restored ^ kept);
  std::memcpy(target.raw + patch.position * sizeof(T), &raw, sizeof(T));
}

void apply_patch_of(const Patch& patch, const DifferenceShape& shape, const RawTarget& target) {
  if (shape.width == 1) return apply_patch<uint8_t>(patch, shape, target);
  if (shape.width == 2) return apply_patch<uint16_t>(patch, shape, target);
  apply_patch<uint32_t>(patch, shape, target);
}

}  // namespace

void write_patches(const Patch* patches, size_t patch_count, size_t count, BitWriter& out) {
  out.put(patch_count != 0 ? 1 : 0, 1);
  if (patch_count == 0) return;
  out.put(patch_count, 32);
  const unsigned gap_bits = gap_bits_for(count, patch_count);
  out.put(gap_bits, 5);
  size_t next = 0;
  for (size_t i = 0; i < patch_count; ++i) {
    const size_t gap = patches[i].position - next;
    put_ones_and_zero(gap >> gap_bits, out);
    out.put(gap & ((size_t{1} << gap_bits) - 1), gap_bits);
    const unsigned below = 63 - static_cast<unsigned>(__builtin_clzll(patches[i].value));
    put_ones_and_zero(below, out);
    out.put(patches[i].value & ((uint64_t{1} << below) - 1), below);
    next = patches[i].position + 1;
  }
}

bool PatchList::read(BitReader& in, size_t count, const DifferenceShape& shape) {
  if (in.take(1) != 0) {
    patches_ = static_cast<size_t>(in.take(32));
    gap_bits_ = static_cast<unsigned>(in.take(5));
    if (patches_ == 0 || patches_ > count) return false;
  }
  bits_ = in;
  size_t next = 0;
  Patch patch{};
  for (size_t i = 0; i < patches_; ++i) {
    if (!read_patch(in, gap_bits_, next, count, shape, patch)) return false;
    next = patch.position + 1;
  }
  return !in.overrun();
}

void PatchList::apply(const DifferenceShape& shape, const RawTarget& target) const {
  BitReader in = bits_;
  size_t next = 0;
  Patch patch{};
  for (size_t i = 0; i < patches_ && read_patch(in, gap_bits_, next, SIZE_MAX, shape, patch); ++i) {
    apply_patch_of(patch, shape, target);
    next = patch.position + 1;
  }
}

}  // namespace cairn
