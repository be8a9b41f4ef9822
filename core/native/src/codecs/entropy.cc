#include "codecs/entropy.h"

#include <algorithm>

namespace cairn {
namespace {

constexpr unsigned mantissa_steps_log2 = 10;

// log2(1 + i / 1024) in units of 2^-16, by repeated squaring.
struct Logarithms {
  uint32_t values[1u << mantissa_steps_log2];

  constexpr Logarithms() : values() {
    for (unsigned i = 0; i < 1u << mantissa_steps_log2; ++i) {
      uint64_t mantissa = (uint64_t{1} << 31) + (uint64_t{i} << (31 - mantissa_steps_log2));
      uint32_t value = 0;
      for (unsigned bit = 0; bit < bit_fraction; ++bit) {
        mantissa = mantissa * mantissa >> 31;
        value <<= 1;
        if (mantissa >> 32 != 0) {
          mantissa >>= 1;
          value |= 1;
        }
      }
      values[i] = value;
    }
  }
};

constexpr Logarithms logarithms;

}  // namespace

uint64_t weigh(uint64_t x) {
  if (x < 2) return 0;
  const unsigned exponent = 63 - static_cast<unsigned>(__builtin_clzll(x));
  const uint64_t mantissa = exponent > mantissa_steps_log2 ? x >> (exponent - mantissa_steps_log2) : x << (mantissa_steps_log2 - exponent);
  return x * ((uint64_t{exponent} << bit_fraction) + logarithms.values[mantissa & ((1u << mantissa_steps_log2) - 1)]);
}

Weights weigh_counts(const uint32_t counts[256], unsigned symbols) {
  Weights sum{0, 0, 0};
  uint64_t parts = 0;
  for (unsigned symbol = 0; symbol < symbols; ++symbol) {
    sum.total += counts[symbol];
    sum.distinct += counts[symbol] != 0;
    parts += weigh(counts[symbol]);
  }
  const uint64_t whole = weigh(sum.total);
  sum.entropy = whole - std::min(parts, whole);
  return sum;
}

uint64_t price_sample(const Weights& sample) {
  if (sample.distinct < 2) return 0;
  return std::max(sample.entropy + sample_bias(sample.distinct), sample.total << bit_fraction);
}

}  // namespace cairn
