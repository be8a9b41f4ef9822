// Numbers of BLAKE3 as published: O'Connor, Aumasson, Neves, Wilcox-O'Hearn, "BLAKE3: one function, fast everywhere",
// 2020, sections 2.1 to 2.4. Initial value: that of SHA-256.
#pragma once

#include <cstdint>

namespace cairn::blake3 {

constexpr uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Order of the message words in each of the seven rounds: the published permutation applied 0 to 6 times.
constexpr uint8_t schedule[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13},
};

constexpr uint32_t chunk_start = 1, chunk_end = 2, parent = 4, root = 8;  // flags of the compression function

constexpr unsigned block_bytes = 64;
constexpr unsigned chunk_bytes = 1024;
constexpr unsigned value_bytes = 32;  // of a chaining value, and of a digest

// The compression function for one block: `value` is replaced by the new chaining value (the first eight words of
// the output). The block is 64 bytes, zeros after `length`.
void compress(uint32_t value[8], const uint8_t block[64], uint32_t length, uint64_t counter, uint32_t flags);

}  // namespace cairn::blake3
