#include "codecs/planes.h"

#include "base/scratch.h"
#include "codecs/plane.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

PlaneShape shape_of(Element element) {
  const bool rotated = element >= Element::float16 && element <= Element::float64;
  return {static_cast<unsigned>(width_of(element)), rotated};
}

struct Planes {
  uint8_t* planes[8];
  size_t n;  // symbols in each

  Planes(PlaneShape shape, size_t length, Scratch& scratch) : n(length / shape.width) {
    for (unsigned p = 0; p < shape.width; ++p) planes[p] = scratch.take<uint8_t>(n);
  }
};

size_t encode(const RawBlock& block, const uint8_t* base, Scratch& scratch, uint8_t* out, size_t capacity) {
  Scratch::Scope scope(scratch);
  const PlaneShape shape = shape_of(block.element);
  Planes planes(shape, block.length, scratch);
  if (planes.n == 0) return 0;
  kernels().split_planes(block.raw, base, planes.n, shape, planes.planes);
  size_t written = 0;
  for (unsigned p = 0; p < shape.width; ++p) {
    const size_t size = encode_plane(planes.planes[p], planes.n, 0, scratch, out + written, capacity - written);
    if (size == does_not_fit) return does_not_fit;
    written += size;
  }
  return written;
}

bool decode(const StoredBlock& stored, const uint8_t* base, Scratch& scratch, const RawTarget& target) {
  Scratch::Scope scope(scratch);
  const PlaneShape shape = shape_of(target.element);
  Planes planes(shape, target.length, scratch);
  if (planes.n == 0) return stored.length == 0;
  const uint8_t* from = stored.data;
  const uint8_t* const end = stored.data + stored.length;
  for (unsigned p = 0; p < shape.width; ++p) {
    from = decode_plane(from, end, 0, scratch, planes.planes[p], planes.n);
    if (from == nullptr) return false;
  }
  if (from != end) return false;
  kernels().merge_planes(planes.planes, base, planes.n, shape, target.raw);
  return true;
}

size_t estimate(const RawBlock& block, const uint8_t* base, Scratch& scratch) {
  Scratch::Scope scope(scratch);
  const PlaneShape shape = shape_of(block.element);
  Planes planes(shape, block.length, scratch);
  if (planes.n == 0) return 0;
  kernels().split_planes(block.raw, base, planes.n, shape, planes.planes);
  size_t sum = 0;
  for (unsigned p = 0; p < shape.width; ++p) {
    uint32_t counts[256];
    kernels().count_bytes(planes.planes[p], planes.n, counts);
    sum += estimate_plane(counts, planes.n);
  }
  return sum;
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
