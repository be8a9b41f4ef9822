// CRC-32C by the instruction that SSE 4.2 has for it.
#include <nmmintrin.h>

#include <cstring>

#include "simd/kernels.h"

namespace cairn {

namespace {

uint32_t checksum(uint32_t state, const uint8_t* data, size_t length) {
  uint64_t wide = state;
  for (; length >= 8; length -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  uint32_t crc = static_cast<uint32_t>(wide);
  for (; length != 0; --length) crc = _mm_crc32_u8(crc, *data++);
  return crc;
}

}  // namespace

void add_avx2_checksum(Kernels& table) { table.checksum = checksum; }

}  // namespace cairn
