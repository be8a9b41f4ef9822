// What is fuzzed. Every target takes arbitrary bytes and aborts where a promise of codec.h is broken; the sanitizers see
// to reads and writes outside. A case's first bytes choose codec, element, length and base, the rest is a stored block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::fuzz {

struct Case {
  uint8_t codec;
  uint8_t element;
  uint8_t seed;       // of raw and base
  uint16_t elements;  // at most most_elements
  std::vector<uint8_t> stored;
};

constexpr size_t case_header_bytes = 5;
constexpr uint16_t most_elements = 20000;

// False where the bytes are too short for a case.
bool read_case(const uint8_t* bytes, size_t length, Case& result);
std::vector<uint8_t> write_case(const Case& from);

// A case as an encoder writes it, from raw bytes that `seed` stands for; stored is empty where the codec has no use for them.
Case encode_case(uint8_t codec, uint8_t element, uint8_t seed, uint16_t elements);

// Decodes with every implementation: all accept or all refuse, and what they accept is the same bytes.
void check_decoders(const Case& from);

// Encodes with every implementation: the same bytes, no more than the capacity, and they decode to what was encoded.
void check_encoders(const Case& from);

}  // namespace cairn::fuzz
