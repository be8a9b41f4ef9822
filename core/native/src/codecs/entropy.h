// What symbols cost by their counts, from integers only, so that choices are the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

constexpr unsigned bit_fraction = 16;  // prices are in units of 2^-16 bit

// x * log2(x) in units of 2^-16 bit. x below 2^32.
uint64_t weigh(uint64_t x);

// Symbols by how often they occur.
struct Weights {
  uint64_t total;     // of all counts
  unsigned distinct;  // counts that are not zero
  uint64_t entropy;   // of all symbols together, in units of 2^-16 bit
};

// Of the first so many symbols; the others don't occur.
Weights weigh_counts(const uint32_t counts[256], unsigned symbols = 256);

// By how much a sample's entropy, or a code made for it, fits the sample better than the rest: about 0.72 bits a distinct symbol, in
// units of 2^-16 bit (the bias of an entropy's estimate; Miller, 1955).
constexpr uint64_t sample_bias(unsigned distinct) { return (uint64_t{distinct} << bit_fraction) * 18 / 25; }

// What a Huffman code would take for the symbols a sample stands for, in units of 2^-16 bit for as many symbols as were counted: at
// least a bit each, and the sample's bias more than its entropy.
uint64_t price_sample(const Weights& sample);

}  // namespace cairn
