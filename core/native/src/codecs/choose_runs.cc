#include "codecs/choose_runs.h"

#include <cstring>

namespace cairn {
namespace {

// So many neighbours are looked at, in so many places spread evenly: a tenth of a percent of the block is a place or two.
constexpr size_t neighbours = 8;
constexpr size_t places = 1024;
constexpr size_t least_runs = 2;

bool are_zero(const uint8_t* raw, const uint8_t* base, size_t width) {
  uint64_t merged = 0;
  for (size_t i = 0; i < width; ++i) {
    uint64_t word, other = 0;
    std::memcpy(&word, raw + i * neighbours, sizeof word);
    if (base != nullptr) std::memcpy(&other, base + i * neighbours, sizeof other);
    merged |= word ^ other;
  }
  return merged == 0;
}

}  // namespace

bool has_zero_runs(const RawBlock& block, const uint8_t* base) {
  const size_t width = width_of(block.element), stride = block.length / places / width * width;
  if (stride < neighbours * width) return false;
  size_t runs = 0;
  for (size_t at = 0; at < places * stride; at += stride) runs += are_zero(block.raw + at, base == nullptr ? nullptr : base + at, width);
  return runs >= least_runs && runs < places;
}

}  // namespace cairn
