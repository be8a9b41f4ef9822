#include "codecs/predicted_planes.h"

#include <cstring>

#include "base/scratch.h"
#include "codecs/plane_parts.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr unsigned width = 4;
constexpr PlaneShape rotated{width, true};  // by the one bit that the sign is in the way

void rotate(const uint8_t* from, size_t count, unsigned left, uint8_t* to) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    std::memcpy(&word, from + i * width, width);
    word = word << left | word >> (-left & 31);
    std::memcpy(to + i * width, &word, width);
  }
}

}  // namespace

unsigned sub_bits_for(size_t elements) { return elements >= 65536 ? 3 : elements >= 8192 ? 2 : 1; }

size_t write_predicted(const RawBlock& block, const uint8_t* predicted, unsigned sub_bits, Scratch& scratch, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(scratch);
  const size_t count = block.length / width;
  uint8_t* const turned = scratch.take<uint8_t>(block.length);
  rotate(block.raw, count, sub_bits, turned);
  uint8_t* planes[8];
  for (unsigned p = 0; p < width; ++p) planes[p] = scratch.take<uint8_t>(count);
  kernels().split_planes(turned, nullptr, count, rotated, planes);
  uint8_t* const top = planes[width - 1];
  for (size_t i = 0; i < count; ++i) top[i] = static_cast<uint8_t>(top[i] - predicted[i]);
  size_t written = 0;
  for (unsigned p = 0; p < width; ++p) {
    const size_t size = encode_block_plane(planes[p], count, scratch, out + written, capacity - written);
    if (size == does_not_fit) return does_not_fit;
    written += size;
  }
  return written;
}

bool read_predicted(const uint8_t* from, const uint8_t* end, const uint8_t* predicted, unsigned sub_bits, Scratch& scratch, const RawTarget& target) {
  const Scratch::Scope scope(scratch);
  const size_t count = target.length / width;
  const uint8_t* planes[8];
  for (unsigned p = 0; p < width; ++p) {
    from = view_block_plane(from, end, scratch, scratch.take<uint8_t>(count), count, {}, planes[p]);
    if (from == nullptr) return false;
  }
  if (from != end) return false;
  uint8_t* const top = scratch.take<uint8_t>(count);
  for (size_t i = 0; i < count; ++i) top[i] = static_cast<uint8_t>(planes[width - 1][i] + predicted[i]);
  planes[width - 1] = top;
  kernels().merge_planes(planes, nullptr, count, rotated, target.raw);
  rotate(target.raw, count, (32 - sub_bits) & 31, target.raw);
  return true;
}

}  // namespace cairn
