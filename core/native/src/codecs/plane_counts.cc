#include "codecs/plane_counts.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/entropy.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t sample_run = 512;  // symbols taken together
constexpr size_t sample_size = 32768;

}  // namespace

const uint8_t* take_runs(const uint8_t* symbols, size_t n, size_t run, size_t runs, Scratch& scratch) {
  uint8_t* const sample = scratch.take<uint8_t>(run * runs);
  for (size_t i = 0; i < runs; ++i) std::memcpy(sample + i * run, symbols + i * (n / runs), run);
  return sample;
}

void count_sample(const uint8_t* symbols, size_t n, size_t size, Scratch& scratch, uint32_t counts[256]) {
  const Scratch::Scope scope(scratch);
  kernels().count_bytes(take_runs(symbols, n, sample_run, size / sample_run, scratch), size, counts);
}

PlaneCounts count_plane(const uint8_t* symbols, size_t n, Scratch& scratch) {
  PlaneCounts plane;
  plane.counted = n >= 2 * sample_size ? sample_size : n;
  if (plane.counted < n) count_sample(symbols, n, plane.counted, scratch, plane.counts);
  else kernels().count_bytes(symbols, n, plane.counts);
  return plane;
}

PartedCounts count_parts(const uint8_t* symbols, size_t n, Scratch& scratch) {
  constexpr uint64_t table_bits = 600;
  const size_t parts = n / part_symbols, sampled = std::max(sample_size / parts, sample_run) / sample_run * sample_run;
  PartedCounts result{{{}, parts * sampled}, false};
  uint64_t apart = 0;
  for (size_t part = 0; part < parts; ++part) {
    uint32_t counts[256];
    count_sample(symbols + part * part_symbols, part_symbols, sampled, scratch, counts);
    for (unsigned symbol = 0; symbol < 256; ++symbol) result.all.counts[symbol] += counts[symbol];
    apart += price_sample(weigh_counts(counts)) + ((table_bits << bit_fraction) * sampled / part_symbols);
  }
  const uint64_t together = price_sample(weigh_counts(result.all.counts));
  result.parts_pay = apart < together - together / 100;
  return result;
}

bool is_noise(const uint8_t* symbols, size_t n, Scratch& scratch) {
  constexpr size_t size = 8192;
  if (n < 4 * size) return false;
  uint32_t counts[256];
  count_sample(symbols, n, size, scratch, counts);
  const Weights weights = weigh_counts(counts);
  return weights.distinct >= 128 && price_sample(weights) >= (uint64_t{8 * (size - size / 1024)} << bit_fraction);
}

}  // namespace cairn
