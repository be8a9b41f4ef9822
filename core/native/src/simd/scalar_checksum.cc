// CRC-32C (Castagnoli) by tables, eight bytes a step ("slicing-by-8": Kounavis and Berry, 2005).
#include <array>
#include <cstring>

#include "simd/kernels.h"

namespace cairn {

namespace {

constexpr uint32_t polynomial = 0x82f63b78;  // reflected

using Table = std::array<std::array<uint32_t, 256>, 8>;

constexpr Table make_table() {
  Table table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    table[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t k = 1; k < 8; ++k) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
  }
  return table;
}

constexpr Table table = make_table();

uint32_t checksum(uint32_t state, const uint8_t* data, size_t length) {
  for (; length >= 8; length -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    word ^= state;
    state = 0;
    for (unsigned k = 0; k < 8; ++k) state ^= table[7 - k][word >> 8 * k & 0xff];
  }
  for (; length != 0; --length) state = state >> 8 ^ table[0][(state ^ *data++) & 0xff];
  return state;
}

}  // namespace

void add_scalar_checksum(Kernels& table) { table.checksum = checksum; }

}  // namespace cairn
