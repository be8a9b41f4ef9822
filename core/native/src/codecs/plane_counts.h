// How often the symbols of a plane occur, from as few of them as tell enough.
#pragma once

#include "codecs/codec.h"

namespace cairn {

constexpr size_t part_symbols = 65536;

struct PlaneCounts {
  uint32_t counts[256];
  size_t counted;  // symbols that were counted, at most those of the plane
};

// So many runs of so many symbols each, spread evenly over n, one behind the other. Requires: run * runs at most n.
const uint8_t* take_runs(const uint8_t* symbols, size_t n, size_t run, size_t runs, Scratch& scratch);

// Counts `size` of n symbols, in runs of 512 from all over. Requires: size at most n and a multiple of 512.
void count_sample(const uint8_t* symbols, size_t n, size_t size, Scratch& scratch, uint32_t counts[256]);

// Counts all n symbols of a small plane, and of others a sample that fixes a code to about 0.05 % of what all would give.
PlaneCounts count_plane(const uint8_t* symbols, size_t n, Scratch& scratch);

// The same from equal samples of each part of part_symbols, and whether a code for each part should save more than a 100th of
// what one for all takes, its table counted. Requires: n at least 2 * part_symbols.
struct PartedCounts {
  PlaneCounts all;
  bool parts_pay;
};
PartedCounts count_parts(const uint8_t* symbols, size_t n, Scratch& scratch);

// True where a sample shows that a code would save less than a thousandth, so that the plane is stored raw.
bool is_noise(const uint8_t* symbols, size_t n, Scratch& scratch);

}  // namespace cairn
