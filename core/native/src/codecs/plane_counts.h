// How often the symbols of a plane occur, from as few of them as tell enough.
#pragma once

#include "codecs/codec.h"

namespace cairn {

constexpr size_t part_symbols = 65536;

struct PlaneCounts {
  uint32_t counts[256];
  size_t counted;  // symbols that were counted, at most those of the plane
};

// So many runs of so many of n units of `width` bytes, spread evenly, one behind the other. Requires: run * runs at most n.
const uint8_t* take_runs(const uint8_t* units, size_t n, size_t width, size_t run, size_t runs, Scratch& scratch);

// So many of n units, in runs of 512 from all over. Requires: size at most n and a multiple of 512.
const uint8_t* sample_units(const uint8_t* units, size_t n, size_t width, size_t size, Scratch& scratch);

// Counts such a sample of n symbols.
void count_sample(const uint8_t* symbols, size_t n, size_t size, Scratch& scratch, uint32_t counts[256]);

// Counts all n symbols of a small plane, and of others a sample that fixes a code to about 0.1 % of what all would give: a larger one
// where there are many different symbols, all of them where neighbours are alike.
PlaneCounts count_plane(const uint8_t* symbols, size_t n, Scratch& scratch);

// The same from equal samples of each part of part_symbols, and whether a code for each part should save more than a 100th of
// what one for all takes, its table counted. Requires: n at least 2 * part_symbols.
struct PartedCounts {
  PlaneCounts all;
  bool parts_pay;
};
PartedCounts count_parts(const uint8_t* symbols, size_t n, Scratch& scratch);

// True where a sample shows that a code would save about a thousandth or less, so that the plane is stored raw. Small planes never are.
bool is_noise(const uint8_t* symbols, size_t n, Scratch& scratch);
constexpr size_t noise_sample = 16384, fewest_of_noise = 4 * noise_sample;

// The same of the sample, taken already.
bool is_noise_sample(const uint8_t sample[noise_sample]);

}  // namespace cairn
