#include "codecs/choose_runs.h"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

// So many neighbours are looked at, in so many places spread evenly: a tenth of a percent of the block is a place or two.
constexpr size_t neighbours = 8;
constexpr size_t places = 1024;
constexpr size_t least_runs = 2;

// The bytes of an element that are zero in none of the neighbours at hand are 1 here, others 0: by the element's width.
uint64_t merge_neighbours(const uint8_t* raw, const uint8_t* base, size_t width) {
  uint64_t merged = 0;
  for (size_t i = 0; i < width; ++i) {
    uint64_t word, other = 0;
    std::memcpy(&word, raw + i * neighbours, sizeof word);
    if (base != nullptr) std::memcpy(&other, base + i * neighbours, sizeof other);
    merged |= word ^ other;
  }
  for (size_t bytes = 4; bytes >= width; bytes /= 2) merged |= merged >> (8 * bytes);
  return merged & ~uint64_t{0} >> (64 - 8 * width);
}

}  // namespace

bool has_zero_runs(const RawBlock& block, const uint8_t* base) {
  const size_t width = width_of(block.element), stride = block.length / places / width * width;
  if (stride < neighbours * width) return false;
  // An XOR of floats has zeros in its highest bytes nearly always, and other codecs for them: there, whole elements count.
  const bool by_plane = base == nullptr || block.element < Element::float16;
  const size_t planes = by_plane ? width : 1;
  size_t runs[8] = {};
  for (size_t at = 0; at < places * stride; at += stride) {
    const uint64_t merged = merge_neighbours(block.raw + at, base == nullptr ? nullptr : base + at, width);
    const uint64_t mask = by_plane ? 0xff : ~uint64_t{0};
    for (size_t plane = 0; plane < planes; ++plane) runs[plane] += (merged >> 8 * plane & mask) == 0;
  }
  // All zeros wherever it was looked: what else there is, is rare.
  if (std::all_of(runs, runs + planes, [](size_t count) { return count == places; })) return true;
  return std::any_of(runs, runs + planes, [](size_t count) { return count >= least_runs && count < places; });
}

}  // namespace cairn
