#include "codecs/conditioned_head.h"

#include "base/scratch.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr unsigned trailing_shift = 2;  // first byte: sub bits, trailing bits

}  // namespace

bool has_differences(const RawBlock& block) {
  return block.base != nullptr && key_bits_of(block.element) != 0 && block.length >= width_of(block.element);
}

DifferenceShape measure_shape(const RawBlock& block) {
  DifferenceShape shape = shape_of(block.element);
  shape.trailing_bits = static_cast<uint8_t>(count_trailing_zeros(block.raw, block.length, shape));
  return shape;
}

Sampled all_differences(const RawBlock& block, const DifferenceShape& shape, Scratch& scratch) {
  Sampled all{shape, block.length / shape.width, block, {}};
  all.differences = take_differences(scratch, all.count, shape.width);
  kernels().classify_differences(block.raw, block.base, all.count, shape, all.differences);
  return all;
}

Sampled sample_differences(const RawBlock& block, const DifferenceShape& shape, Scratch& scratch) {
  RawBlock part;
  take_sample(block, scratch, part);
  return all_differences(part, shape, scratch);
}

size_t estimate_of(const Plan& plan, size_t counted, size_t count) {
  constexpr size_t lengths = 32;  // of streams, and their padding
  return static_cast<size_t>(plan.price * count / counted / 8) + lengths;
}

uint8_t* write_head(const Plan& plan, const Patch* patches, size_t patch_count, size_t count, unsigned key_bits, uint8_t* out) {
  out[0] = static_cast<uint8_t>(plan.shape.sub_bits | plan.shape.trailing_bits << trailing_shift);
  BitWriter bits(out + 1);
  write_key_tables(plan.tables, key_bits, bits);
  write_patches(patches, patch_count, count, bits);
  return bits.finish();
}

bool read_head(const StoredBlock& stored, const RawTarget& target, Head& head) {
  const unsigned key_bits = key_bits_of(target.element);
  if (target.base == nullptr || key_bits == 0 || stored.length < 1) return false;
  head.shape = shape_of(target.element);
  const unsigned sub_bits = stored.data[0] & 3, trailing_bits = stored.data[0] >> trailing_shift;
  if (sub_bits > most_sub_bits(head.shape.width) || trailing_bits > head.shape.mantissa_bits) return false;
  head.shape.sub_bits = static_cast<uint8_t>(sub_bits);
  head.shape.trailing_bits = static_cast<uint8_t>(trailing_bits);
  BitReader bits(stored.data + 1, stored.data + stored.length);
  if (!read_key_tables(bits, step_of(sub_bits), key_bits, head.tables)) return false;
  if (!head.patches.read(bits, target.length / head.shape.width, head.shape) || !bits.padded()) return false;
  head.end = bits.next_byte();
  return true;
}

}  // namespace cairn
