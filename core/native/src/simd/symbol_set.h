// Noting symbols that have no count, with a set of those that have one: each implementation brings the set, and how it is looked up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {
namespace {

// Kernels::note_uncounted. A SymbolSet is made of counts; has_all(symbols, n) says whether all of n symbols, at most `at_once`, are in it.
// New symbols are rare: the set is made anew for each step with some, at most 256 times.
template <class SymbolSet, size_t at_once>
void note_uncounted(const uint8_t* symbols, size_t n, uint32_t counts[256]) {
  SymbolSet counted(counts);
  for (size_t i = 0; i < n; i += at_once) {
    const size_t here = n - i < at_once ? n - i : at_once;
    if (counted.has_all(symbols + i, here)) continue;
    for (size_t j = i; j < i + here; ++j) {
      if (counts[symbols[j]] == 0) counts[symbols[j]] = 1;
    }
    counted = SymbolSet(counts);
  }
}

}  // namespace
}  // namespace cairn
