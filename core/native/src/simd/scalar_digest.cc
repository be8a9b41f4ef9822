// BLAKE3, one block at a time. Source: simd/blake3_constants.h.
#include <cstring>

#include "simd/blake3_constants.h"
#include "simd/kernels.h"

namespace cairn {

namespace blake3 {

namespace {

uint32_t rotate_right(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

void mix(uint32_t state[16], unsigned a, unsigned b, unsigned c, unsigned d, uint32_t x, uint32_t y) {
  state[a] += state[b] + x;
  state[d] = rotate_right(state[d] ^ state[a], 16);
  state[c] += state[d];
  state[b] = rotate_right(state[b] ^ state[c], 12);
  state[a] += state[b] + y;
  state[d] = rotate_right(state[d] ^ state[a], 8);
  state[c] += state[d];
  state[b] = rotate_right(state[b] ^ state[c], 7);
}

void mix_round(uint32_t state[16], const uint32_t words[16], const uint8_t order[16]) {
  mix(state, 0, 4, 8, 12, words[order[0]], words[order[1]]);
  mix(state, 1, 5, 9, 13, words[order[2]], words[order[3]]);
  mix(state, 2, 6, 10, 14, words[order[4]], words[order[5]]);
  mix(state, 3, 7, 11, 15, words[order[6]], words[order[7]]);
  mix(state, 0, 5, 10, 15, words[order[8]], words[order[9]]);
  mix(state, 1, 6, 11, 12, words[order[10]], words[order[11]]);
  mix(state, 2, 7, 8, 13, words[order[12]], words[order[13]]);
  mix(state, 3, 4, 9, 14, words[order[14]], words[order[15]]);
}

}  // namespace

void compress(uint32_t value[8], const uint8_t block[64], uint32_t length, uint64_t counter, uint32_t flags) {
  uint32_t words[16];
  std::memcpy(words, block, sizeof words);
  uint32_t state[16];
  std::memcpy(state, value, 32);
  std::memcpy(state + 8, initial, 16);
  state[12] = static_cast<uint32_t>(counter);
  state[13] = static_cast<uint32_t>(counter >> 32);
  state[14] = length;
  state[15] = flags;
  for (const auto& order : schedule) mix_round(state, words, order);
  for (unsigned i = 0; i < 8; ++i) value[i] = state[i] ^ state[i + 8];
}

}  // namespace blake3

namespace {

using namespace blake3;

void hash_chunks(const uint8_t* input, size_t count, uint64_t counter, uint8_t* out) {
  constexpr unsigned blocks = chunk_bytes / block_bytes;
  for (size_t i = 0; i < count; ++i) {
    uint32_t value[8];
    std::memcpy(value, initial, sizeof value);
    for (unsigned b = 0; b < blocks; ++b) {
      const uint32_t flags = (b == 0 ? chunk_start : 0) | (b == blocks - 1 ? chunk_end : 0);
      compress(value, input + i * chunk_bytes + b * block_bytes, block_bytes, counter + i, flags);
    }
    std::memcpy(out + i * value_bytes, value, value_bytes);
  }
}

void hash_parents(const uint8_t* input, size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t value[8];
    std::memcpy(value, initial, sizeof value);
    compress(value, input + i * block_bytes, block_bytes, 0, parent);
    std::memcpy(out + i * value_bytes, value, value_bytes);
  }
}

}  // namespace

void add_scalar_digest(Kernels& table) {
  table.hash_chunks = hash_chunks;
  table.hash_parents = hash_parents;
}

}  // namespace cairn
