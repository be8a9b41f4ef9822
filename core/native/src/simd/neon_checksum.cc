// CRC-32C by the instruction that ARMv8 has for it (CRC extension, present on every arm64 desktop and server).
#include <arm_acle.h>

#include <cstring>

#include "simd/kernels.h"

namespace cairn {

namespace {

uint32_t checksum(uint32_t state, const uint8_t* data, size_t length) {
  for (; length >= 8; length -= 8, data += 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    state = __crc32cd(state, word);
  }
  for (; length != 0; --length) state = __crc32cb(state, *data++);
  return state;
}

}  // namespace

void add_neon_checksum(Kernels& table) { table.checksum = checksum; }

}  // namespace cairn
