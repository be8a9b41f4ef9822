#include "codecs/choose_delta.h"

#include "codecs/conditioned_parts.h"
#include "codecs/entropy.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t near_parts = 32;  // what comes nearer than this part is estimated with more care

// Bits of the planes of a block by their entropies, which no code of theirs gets below unless it uses what lies side by side.
uint64_t weigh_planes(const RawBlock& block, const uint8_t* base, bool rotated, Scratch& scratch) {
  const Scratch::Scope scope(scratch);
  const PlaneShape shape{static_cast<unsigned>(width_of(block.element)), rotated};
  const size_t n = block.length / shape.width;
  uint8_t* planes[8];
  for (unsigned p = 0; p < shape.width; ++p) planes[p] = scratch.take<uint8_t>(n);
  kernels().split_planes(block.raw, base, n, shape, planes);
  uint64_t bits = 0;
  for (unsigned p = 0; p < shape.width; ++p) {
    uint32_t counts[256];
    kernels().count_bytes(planes[p], n, counts);
    bits += weigh_counts(counts).entropy >> bit_fraction;
  }
  return bits;
}

// A part of a sample, in runs of neighbours.
RawBlock take_half(const RawBlock& block) {
  RawBlock half = block;
  half.length = block.length / 2 / width_of(block.element) * width_of(block.element);
  return half;
}

// True where whether an element changed is told by its neighbours much better than by its key: then codes of runs or of
// flags may do better than conditioned ones.
bool has_clusters(const Sampled& sampled, const KeyCounts& counts) {
  uint32_t groups[256] = {};
  const size_t whole = sampled.count / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    unsigned flags = 0;
    for (unsigned j = 0; j < 8; ++j) flags |= (sampled.differences.pairs[i + j] & 0xff) != 0 ? 1u << j : 0u;
    ++groups[flags];
  }
  uint64_t by_key = 0;
  for (unsigned key = 0; key < most_keys; ++key) {
    if (!counts.present[key]) continue;
    uint32_t two[256] = {counts.rows[key][0], 0};
    for (unsigned symbol = 1; symbol < 256; ++symbol) two[1] += counts.rows[key][symbol];
    by_key += weigh_counts(two, 2).entropy;
  }
  return weigh_counts(groups).entropy < by_key - by_key / 4;
}

}  // namespace

size_t encode_if_far_ahead(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!has_differences(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const size_t count = block.length / width_of(block.element);
  const Sampled sampled = sample_differences(block, measure_shape(block), scratch);
  KeyCounts counts = count_by_key(sampled.differences.pairs, sampled.count, scratch);
  if (has_clusters(sampled, counts)) return does_not_fit;
  const Plan plan = make_plan(counts, sampled.count, count, sampled.shape, most_chosen_parts, scratch);
  if (!plan.possible) return does_not_fit;
  const RawBlock half = take_half(sampled.part);
  const uint64_t price = plan.price * half.length / sampled.part.length;
  const auto is_near = [&](const uint8_t* base, bool rotated) {
    const uint64_t other = weigh_planes(half, base, rotated, scratch);
    return other - other / near_parts < price;
  };
  if (is_near(half.base, false) || is_near(half.base, true) || is_near(nullptr, true)) return does_not_fit;
  const Outcome outcome = encode_planned(plan, block, scratch, out, capacity);
  return outcome.possible && !is_misled(plan, sampled.count, count, outcome) ? outcome.length : does_not_fit;
}

}  // namespace cairn
