#include "codecs/plane_counts.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/entropy.h"
#include "codecs/prefix_code.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t sample_run = 512;  // symbols taken together
constexpr size_t sample_size = 16384, fewest_sampled = 65536;
constexpr size_t parted_sample_size = 32768;

}  // namespace

const uint8_t* take_runs(const uint8_t* units, size_t n, size_t width, size_t run, size_t runs, Scratch& scratch) {
  uint8_t* const sample = scratch.take<uint8_t>(run * runs * width);
  for (size_t i = 0; i < runs; ++i) std::memcpy(sample + i * run * width, units + i * (n / runs) * width, run * width);
  return sample;
}

const uint8_t* sample_units(const uint8_t* units, size_t n, size_t width, size_t size, Scratch& scratch) {
  return take_runs(units, n, width, sample_run, size / sample_run, scratch);
}

void count_sample(const uint8_t* symbols, size_t n, size_t size, Scratch& scratch, uint32_t counts[256]) {
  const Scratch::Scope scope(scratch);
  kernels().count_bytes(sample_units(symbols, n, 1, size, scratch), size, counts);
}

PlaneCounts count_plane(const uint8_t* symbols, size_t n, Scratch& scratch) {
  PlaneCounts plane;
  plane.counted = n >= fewest_sampled ? sample_size : n;
  if (plane.counted < n) count_sample(symbols, n, plane.counted, scratch, plane.counts);
  else kernels().count_bytes(symbols, n, plane.counts);
  return plane;
}

PartedCounts count_parts(const uint8_t* symbols, size_t n, Scratch& scratch) {
  constexpr uint64_t table_bits = 600;
  const size_t parts = n / part_symbols, sampled = std::max(parted_sample_size / parts, sample_run) / sample_run * sample_run;
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

bool is_noise_sample(const uint8_t sample[noise_sample]) {
  // A code made of a sample flatters it: of 256 symbols equally frequent or nearly so, by a sixth of a percent.
  constexpr uint64_t least = uint64_t{8} * (noise_sample - noise_sample / 400);
  uint32_t counts[256];
  kernels().count_bytes(sample, noise_sample, counts);
  return coded_bits(build_prefix_code(counts), counts) >= least;
}

bool is_noise(const uint8_t* symbols, size_t n, Scratch& scratch) {
  if (n < fewest_of_noise) return false;
  const Scratch::Scope scope(scratch);
  return is_noise_sample(sample_units(symbols, n, 1, noise_sample, scratch));
}

}  // namespace cairn
