// The records between the codec conditioned-parts (codecs/conditioned_parts.md) and its kernels (simd/part_kernels.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

constexpr unsigned most_parts = 16;
constexpr unsigned part_streams = 8;

// What a key is mapped to: its part, or no_part; with quiet_part added where the encoder takes its elements as unchanged.
constexpr uint8_t no_part = 16;
constexpr uint8_t quiet_part = 0x80;

// A bit sequence being read, of bytes[0 .. length). Behind its end are zeros, and `position` tells.
struct BitsIn {
  const uint8_t* bytes;
  size_t length;
  uint64_t position;  // in bits
};

// What kernels need to know of a symbol: how many low bits follow it (the lowest byte), and its least zigzagged difference.
using SymbolBits = uint64_t;
constexpr SymbolBits symbol_bits(uint32_t least, unsigned low_bits) { return uint64_t{least} << 8 | low_bits; }
constexpr unsigned low_bits_of(SymbolBits bits) { return static_cast<uint8_t>(bits); }
constexpr uint64_t least_of(SymbolBits bits) { return bits >> 8; }

// An entry by which a symbol is coded: its code's bits | their number << 12. By which it is decoded: length | symbol << 8.
constexpr unsigned entry_length_shift = 12;

}  // namespace cairn
