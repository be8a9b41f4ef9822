// How stored blocks and cases are damaged.
#pragma once

#include <random>

#include "cases.h"

namespace cairn::fuzz {

using Random = std::mt19937_64;

inline size_t below(Random& random, size_t bound) { return static_cast<size_t>(random() % bound); }

// Lengths around those at which codecs change their ways, or any other below 6000.
uint16_t some_length(Random& random);

// Bytes of a stored block, and less often its length.
void damage(std::vector<uint8_t>& stored, Random& random);

// The same of a case, and now and then its number of elements, element or codec.
void mutate(Case& from, Random& random);

}  // namespace cairn::fuzz
