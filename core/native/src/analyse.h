// What the bytes of tensors look like, as the study behind this project measures them (arXiv 2505.09810): entropy of each
// byte plane, exponents, and what differs from the same elements of an earlier step. Sums, so that parts add up.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "request.h"

namespace cairn {

// A plane's entropy is that of blocks of this many of its bytes.
constexpr size_t entropy_block_bytes = 64 * 1024;
constexpr size_t exponent_bins = 256;

struct AnalyseItem {
  std::vector<FileRange> sources;  // each a multiple of the element's width
  std::vector<FileRange> bases;    // empty, or as many, each as long as its source
  Element element;
};

struct Analysis {
  uint64_t elements = 0;
  std::array<double, 8> plane_bits{};                 // entropy times bytes, by byte position, least significant first
  std::array<uint64_t, exponent_bins> exponents{};    // by exponent as float32 writes it (biased by 127); none for integers
  std::array<uint64_t, 64> bit_flips{};               // elements whose bit differs from the base's, least significant first
  uint64_t unchanged = 0;                             // elements equal to the base's, bit for bit
  uint64_t finite_pairs = 0;                          // elements that are finite numbers both here and in the base
  double absolute_change = 0;                         // sum of |value - base value| over these
};

bool is_float(Element element);

// Adds `length` bytes to `sums`. `base` is null or as long. Requires: `length` is a multiple of the element's width.
void analyse(const uint8_t* raw, const uint8_t* base, size_t length, Element element, Analysis& sums);

// Reads an item's ranges piece by piece. Fails with `changed` where a file is shorter, and `cancelled`.
Analysis analyse_item(const AnalyseItem& item, const CancelFlag& cancel);

}  // namespace cairn
