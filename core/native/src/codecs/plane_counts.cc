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

// How many of n symbols equal the one before: many more than chance lets be equal where statistics change on the way.
size_t count_pairs(const uint8_t* symbols, size_t n) {
  size_t pairs = 0;
  for (size_t i = 1; i < n;) {
    uint8_t equal = 0;  // as narrow as the symbols, so that compilers count sixteen at a time
    const size_t stop = n - i < 255 ? n : i + 255;
    for (; i < stop; ++i) equal = static_cast<uint8_t>(equal + (symbols[i] == symbols[i - 1]));
    pairs += equal;
  }
  return pairs;
}

// Counts of samples, and what these say of how many symbols tell enough.
struct SampledCounts {
  PlaneCounts plane;
  size_t pairs;

  // Returns what the symbols of this sample alone take.
  uint64_t add(const uint8_t* symbols, size_t n, size_t size, Scratch& scratch) {
    const Scratch::Scope scope(scratch);
    const uint8_t* const sample = sample_units(symbols, n, 1, size, scratch);
    uint32_t counts[256];
    kernels().count_bytes(sample, size, counts);
    for (unsigned symbol = 0; symbol < 256; ++symbol) plane.counts[symbol] += counts[symbol];
    plane.counted += size;
    pairs += count_pairs(sample, size);
    return price_sample(weigh_counts(counts));
  }

  // All n where neighbours are alike, so that a sample shows fewer of them than it seems; more than were counted where a code made of
  // those would lose a thousandth.
  size_t enough(size_t n) const {
    if (plane.counted == 0) return n;
    uint64_t squares = 0;
    for (const uint32_t count : plane.counts) squares += uint64_t{count} * count;
    const uint64_t by_chance = squares / plane.counted;
    if (pairs > by_chance + (plane.counted - by_chance) / 2) return n;
    const Weights weights = weigh_counts(plane.counts);
    return sample_bias(weights.distinct) > weights.entropy / 1000 ? std::min(n, 4 * plane.counted) : plane.counted;
  }
};

// Samples of each part, all in all and apart.
struct PartsCounted {
  SampledCounts all{};
  uint64_t apart = 0;

  PartedCounts result() const { return {all.plane, apart < price_sample(weigh_counts(all.plane.counts)) / 100 * 99}; }
};

PartsCounted count_each_part(const uint8_t* symbols, size_t n, size_t sampled, Scratch& scratch) {
  constexpr uint64_t table_bits = 600;
  PartsCounted counted;
  for (size_t start = 0; start < n; start += part_symbols) {
    const size_t part = std::min(part_symbols, n - start);
    const size_t size = sampled * part / part_symbols / sample_run * sample_run;
    if (size == 0) break;
    counted.apart += counted.all.add(symbols + start, part, size, scratch) + (table_bits << bit_fraction) * size / part;
  }
  return counted;
}

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
  SampledCounts sampled{};
  if (n >= fewest_sampled) sampled.add(symbols, n, sample_size, scratch);
  const size_t enough = sampled.enough(n);
  PlaneCounts plane = sampled.plane;
  if (enough == plane.counted) return plane;
  plane.counted = enough;
  if (enough < n) count_sample(symbols, n, enough, scratch, plane.counts);
  else kernels().count_bytes(symbols, n, plane.counts);
  return plane;
}

PartedCounts count_parts(const uint8_t* symbols, size_t n, Scratch& scratch) {
  const size_t parts = n / part_symbols;
  const PartsCounted first = count_each_part(symbols, n, std::max(parted_sample_size / parts, sample_run) / sample_run * sample_run, scratch);
  const size_t enough = first.all.enough(n);
  if (enough == first.all.plane.counted) return first.result();
  return count_each_part(symbols, n, std::min(part_symbols, enough / parts / sample_run * sample_run), scratch).result();
}

bool is_noise_sample(const uint8_t sample[noise_sample]) {
  // A code made of a sample flatters it: of 256 symbols equally frequent or nearly so, by a sixth of a percent.
  constexpr uint64_t least = uint64_t{8} * (noise_sample - noise_sample / 400);
  constexpr size_t most_pairs = noise_sample / 128;  // twice as many as noise has
  uint32_t counts[256];
  kernels().count_bytes(sample, noise_sample, counts);
  return coded_bits(build_prefix_code(counts), counts) >= least && count_pairs(sample, noise_sample) <= most_pairs;
}

bool is_noise(const uint8_t* symbols, size_t n, Scratch& scratch) {
  if (n < fewest_of_noise) return false;
  const Scratch::Scope scope(scratch);
  return is_noise_sample(sample_units(symbols, n, 1, noise_sample, scratch));
}

}  // namespace cairn
