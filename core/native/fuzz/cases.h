// What is fuzzed with: arbitrary bytes, of which the first choose codec, element, number of elements and contents. The
// rest is what the target says: a stored block to decode, or what contents to encode are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/registry.h"

namespace cairn::fuzz {

struct Case {
  uint8_t codec;
  uint8_t element;
  uint8_t seed;       // of contents, and of the shape of their tensor
  uint16_t elements;  // 1 to most_elements
  std::vector<uint8_t> bytes;
};

constexpr size_t case_header_bytes = 5;
constexpr uint16_t most_elements = 20000;

// False where the bytes are too short for a case.
bool read_case(const uint8_t* bytes, size_t length, Case& result);
std::vector<uint8_t> write_case(const Case& from);

inline Element element_of(const Case& from) { return static_cast<Element>(1 + from.element % 10); }

}  // namespace cairn::fuzz
