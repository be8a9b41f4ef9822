// Run-length coding of zeros, for lmc: a zero byte is followed by one byte that says how many more zeros it stands for;
// every other byte stands for itself. Specified in lmc.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// The most bytes that n symbols can become: lone zeros take two.
constexpr size_t longest_shortened(size_t n) { return n + (n + 1) / 2; }

// False where too few zeros follow each other for the shortened form to gain anything.
bool may_shorten(const uint8_t* symbols, size_t n);

// Writes the shortened form to `out` (longest_shortened(n) bytes) and returns its length.
size_t shorten_zero_runs(const uint8_t* symbols, size_t n, uint8_t* out);

// The inverse. False, with nothing written past n, where the shortened form doesn't stand for exactly n symbols.
bool restore_zero_runs(const uint8_t* shortened, size_t size, uint8_t* symbols, size_t n);

}  // namespace cairn
