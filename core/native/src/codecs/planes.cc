#include "codecs/planes.h"

#include <algorithm>

#include "base/scratch.h"
#include "codecs/entropy.h"
#include "codecs/plane.h"
#include "codecs/plane_parts.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

bool is_ieee(Element element) { return element >= Element::float16 && element <= Element::float64; }

constexpr size_t most_wanted = size_t{1} << 20;  // bytes, of those that merging writes: what stays near until then

PlaneShape shape_of(Element element, bool rotated) { return {static_cast<unsigned>(width_of(element)), rotated}; }

struct Planes {
  uint8_t* planes[8];
  size_t n;  // symbols in each

  Planes(PlaneShape shape, size_t length, Scratch& scratch) : n(length / shape.width) {
    for (unsigned p = 0; p < shape.width; ++p) planes[p] = scratch.take<uint8_t>(n);
  }
};

// About the bytes of all planes, from their counts.
size_t estimate_shape(const RawBlock& block, const uint8_t* base, PlaneShape shape, Scratch& scratch) {
  Scratch::Scope scope(scratch);
  Planes planes(shape, block.length, scratch);
  kernels().split_planes(block.raw, base, planes.n, shape, planes.planes);
  size_t sum = 1;
  for (unsigned p = 0; p < shape.width; ++p) sum += estimate_plane(planes.planes[p], planes.n, scratch);
  return sum;
}

// What the planes of a few elements take, by their entropies.
struct ShapeWeight {
  uint64_t bits = 0;
  uint64_t lowest = 0;  // of the first plane
  bool even = true;     // no symbol is so frequent that codes are far from entropies

  ShapeWeight(const uint8_t* elements, size_t count, PlaneShape shape, Scratch& scratch) : count_(count), planes_(shape, count * shape.width, scratch) {
    kernels().split_planes(elements, nullptr, count, shape, planes_.planes);
    lowest = weigh(0);
  }

  void weigh_others(unsigned width) {
    bits = lowest;
    for (unsigned p = 1; p < width; ++p) bits += weigh(p);
  }

 private:
  uint64_t weigh(unsigned plane) {
    uint32_t counts[256];
    kernels().count_bytes(planes_.planes[plane], count_, counts);
    const Weights weights = weigh_counts(counts);
    even = even && (weights.distinct == 1 || *std::max_element(counts, counts + 256) < count_ / 2);
    return (weights.entropy + sample_bias(weights.distinct)) >> bit_fraction;
  }

  size_t count_;
  Planes planes_;
};

// Whether rotation pays in a large block. It does with numbers whose lowest bits are noise, weights among them; a few thousand of
// others tell, unless codes are far from entropies.
bool is_rotation_worth(const RawBlock& block, Scratch& scratch) {
  constexpr size_t run = 256, few = 4096, many = 32768, noise = 8 * (few - few / 64);
  const PlaneShape plain = shape_of(block.element, false), rotated = shape_of(block.element, true);
  const size_t n = block.length / plain.width;
  const Scratch::Scope scope(scratch);
  const uint8_t* const sample = take_runs(block.raw, n, plain.width, run, few / run, scratch);
  ShapeWeight as_plain(sample, few, plain, scratch);
  if (as_plain.lowest >= noise) return true;
  ShapeWeight as_rotated(sample, few, rotated, scratch);
  as_rotated.weigh_others(plain.width);
  as_plain.weigh_others(plain.width);
  if (as_plain.even && as_rotated.even) return as_rotated.bits <= as_plain.bits;
  const RawBlock larger{take_runs(block.raw, n, plain.width, run, many / run, scratch), nullptr, many * plain.width, block.element};
  return estimate_shape(larger, nullptr, rotated, scratch) <= estimate_shape(larger, nullptr, plain, scratch);
}

// Rotation gives the exponent a plane of its own, which weights want. Numbers of few patterns, integers among them, may not; and in an
// XOR, whether the exponent's lowest bit changed says more about the mantissa than about the rest of the exponent early in training.
PlaneShape choose_shape(const RawBlock& block, const uint8_t* base, Scratch& scratch) {
  const PlaneShape plain = shape_of(block.element, false), rotated = shape_of(block.element, true);
  if (!is_ieee(block.element)) return plain;
  if (base == nullptr && block.length / plain.width > 32768) return is_rotation_worth(block, scratch) ? rotated : plain;
  const size_t sampled = std::min<size_t>(block.length, size_t{8192} * plain.width);
  const size_t start = (block.length - sampled) / 2 / plain.width * plain.width;
  const RawBlock sample{block.raw + start, nullptr, sampled, block.element};
  const uint8_t* const sample_base = base == nullptr ? nullptr : base + start;
  const size_t as_plain = estimate_shape(sample, sample_base, plain, scratch);
  return as_plain < estimate_shape(sample, sample_base, rotated, scratch) ? plain : rotated;
}

// How many planes are noise, from the first on (the lowest bits): encode_block_plane would find it of the same samples.
unsigned count_noise(const RawBlock& block, const uint8_t* base, PlaneShape shape, Scratch& scratch) {
  const size_t n = block.length / shape.width;
  if (n < fewest_of_noise) return 0;
  Scratch::Scope scope(scratch);
  const uint8_t* const raw = sample_units(block.raw, n, shape.width, noise_sample, scratch);
  const uint8_t* const sample_base = base == nullptr ? nullptr : sample_units(base, n, shape.width, noise_sample, scratch);
  Planes planes(shape, noise_sample * shape.width, scratch);
  kernels().split_planes(raw, sample_base, noise_sample, shape, planes.planes);
  unsigned count = 0;
  while (count < shape.width && is_noise_sample(planes.planes[count])) ++count;
  return count;
}

size_t encode(const RawBlock& block, const uint8_t* base, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (block.length == 0 || capacity < 1) return does_not_fit;
  Scratch::Scope scope(scratch);
  const PlaneShape shape = choose_shape(block, base, scratch);
  Planes planes(shape, block.length, scratch);
  // Planes of noise are split to where they are stored, where nothing is written behind them.
  const unsigned noise = planes.n % split_step == 0 ? count_noise(block, base, shape, scratch) : 0;
  out[0] = shape.rotated;
  size_t written = 1;
  for (unsigned p = 0; p < noise; ++p) {
    if (capacity - written < 1 + planes.n) return does_not_fit;
    planes.planes[p] = begin_raw_plane(out + written);
    written += 1 + planes.n;
  }
  kernels().split_planes(block.raw, base, planes.n, shape, planes.planes);
  for (unsigned p = noise; p < shape.width; ++p) {
    const size_t size = encode_block_plane(planes.planes[p], planes.n, scratch, out + written, capacity - written);
    if (size == does_not_fit) return does_not_fit;
    written += size;
  }
  return written;
}

bool decode(const StoredBlock& stored, const uint8_t* base, Scratch& scratch, const RawTarget& target) {
  if (stored.length == 0 || target.length == 0 || stored.data[0] > 1) return false;
  Scratch::Scope scope(scratch);
  const PlaneShape shape = shape_of(target.element, stored.data[0] == 1);
  Planes planes(shape, target.length, scratch);
  const uint8_t* from = stored.data + 1;
  const uint8_t* const end = stored.data + stored.length;
  const uint8_t* symbols[8];
  Wanted wanted{{{target.raw, std::min(target.length, most_wanted)}, {}}};
  for (unsigned p = 0; p < shape.width; ++p) {
    const bool last = p + 1 == shape.width;
    from = view_block_plane(from, end, scratch, planes.planes[p], planes.n, last ? wanted : Wanted{}, symbols[p]);
    if (from == nullptr) return false;
    if (symbols[p] != planes.planes[p]) wanted.ranges[1] = {symbols[p], planes.n};
  }
  if (from != end) return false;
  kernels().merge_planes(symbols, base, planes.n, shape, target.raw);
  return true;
}

size_t estimate(const RawBlock& block, const uint8_t* base, Scratch& scratch) {
  return estimate_shape(block, base, choose_shape(block, base, scratch), scratch);
}

}  // namespace

size_t encode_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  return encode(block, nullptr, scratch, out, capacity);
}

size_t encode_xor_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  return block.base == nullptr ? does_not_fit : encode(block, block.base, scratch, out, capacity);
}

bool decode_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  return decode(stored, nullptr, scratch, target);
}

bool decode_xor_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  return target.base != nullptr && decode(stored, target.base, scratch, target);
}

size_t estimate_planes(const RawBlock& block, Scratch& scratch) { return estimate(block, nullptr, scratch); }

size_t estimate_xor_planes(const RawBlock& block, Scratch& scratch) { return estimate(block, block.base, scratch); }

}  // namespace cairn
