#include "codecs/plane_parts.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/plane.h"
#include "codecs/prefix_code.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t sampled_of_part = 4096;
constexpr size_t sample_run = 512;

// What a code costs for a sample of `size` symbols, with what it fits the sample better than the rest (see is_noise).
uint64_t sample_bits(const uint32_t counts[256]) {
  const auto distinct = static_cast<uint64_t>(256 - std::count(counts, counts + 256, 0u));
  return coded_bits(build_prefix_code(counts), counts) + distinct * 18 / 25;
}

void count_part(const uint8_t* symbols, size_t n, uint32_t counts[256]) {
  uint8_t sample[sampled_of_part];
  const size_t runs = sampled_of_part / sample_run;
  for (size_t run = 0; run < runs; ++run) std::memcpy(sample + run * sample_run, symbols + run * (n / runs), sample_run);
  kernels().count_bytes(sample, sampled_of_part, counts);
}

// True where a code for each whole part should save more than a 100th of what one code for all takes, its table counted.
bool parts_pay(const uint8_t* symbols, size_t n, Scratch& scratch) {
  if (n < 2 * part_symbols || is_noise(symbols, n, scratch)) return false;
  uint32_t all[256] = {};
  uint64_t apart = 0;
  for (size_t start = 0; start + part_symbols <= n; start += part_symbols) {
    uint32_t counts[256];
    count_part(symbols + start, part_symbols, counts);
    for (unsigned symbol = 0; symbol < 256; ++symbol) all[symbol] += counts[symbol];
    constexpr uint64_t table_bits = 600;
    apart += sample_bits(counts) + table_bits * sampled_of_part / part_symbols;
  }
  const uint64_t together = sample_bits(all);
  return apart < together - together / 100;
}

size_t encode_parts(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (capacity < 1) return does_not_fit;
  out[0] = parts_mode;
  size_t written = 1;
  for (size_t start = 0; start < n; start += part_symbols) {
    const size_t part = std::min(part_symbols, n - start);
    const size_t size = encode_plane(symbols + start, part, 0, scratch, out + written, capacity - written);
    if (size == does_not_fit) return does_not_fit;
    written += size;
  }
  return written;
}

const uint8_t* decode_parts(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* symbols, size_t n) {
  for (size_t start = 0; start < n; start += part_symbols) {
    from = decode_plane(from, end, 0, scratch, symbols + start, std::min(part_symbols, n - start));
    if (from == nullptr) return nullptr;
  }
  return from;
}

}  // namespace

size_t encode_block_plane(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (parts_pay(symbols, n, scratch)) {
    const size_t size = encode_parts(symbols, n, scratch, out, std::min(capacity, n));
    if (size != does_not_fit) return size;
  }
  return encode_plane(symbols, n, 0, scratch, out, capacity);
}

const uint8_t* view_block_plane(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* room, size_t n,
                                const uint8_t*& symbols) {
  symbols = room;
  if (from == end) return nullptr;
  if (*from == parts_mode) return decode_parts(from + 1, end, scratch, room, n);
  const bool raw = *from == static_cast<uint8_t>(PlaneMode::raw);
  if (!raw || static_cast<size_t>(end - from) < 1 + n) return decode_plane(from, end, 0, scratch, room, n);
  symbols = from + 1;
  return from + 1 + n;
}

}  // namespace cairn
