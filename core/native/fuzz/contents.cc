#include "contents.h"

#include <cstring>

namespace cairn::fuzz {

namespace {

uint32_t next(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

// The seed's low bits choose how bytes are spread and how far raw is from its base.
void fill_by_seed(const Case& from, uint8_t* base, uint8_t* raw, size_t length) {
  const size_t width = width_of(element_of(from));
  uint32_t state = from.seed * 2654435761u + 1;
  const unsigned spread = from.seed & 3, rarity = 1u << (from.seed >> 2 & 7);
  for (size_t i = 0; i < length; ++i) {
    const bool top = i % width == width - 1;
    const uint32_t random = next(state);
    base[i] = static_cast<uint8_t>(spread == 0 ? random : top ? 0x3c + random % (1 + spread) : random >> 8 & (spread == 3 ? 0x0f : 0xff));
    const bool changes = next(state) % rarity == 0 && (spread == 0 || !top || random % 64 == 0);
    raw[i] = changes ? static_cast<uint8_t>(base[i] ^ (next(state) & (spread == 2 ? 0xff : 7))) : base[i];
  }
}

// The two parts are repeated apart: where their lengths differ, few bytes give many pairs.
void fill_by_bytes(const std::vector<uint8_t>& bytes, uint8_t* base, uint8_t* raw, size_t length) {
  const size_t half = (bytes.size() + 1) / 2, rest = bytes.size() - half;
  for (size_t i = 0; i < length; ++i) {
    base[i] = bytes[i % half];
    raw[i] = rest == 0 ? base[i] : static_cast<uint8_t>(base[i] ^ bytes[half + i % rest]);
  }
}

}  // namespace

Contents::Contents(const Case& from, size_t elements)
    : length(elements * width_of(element_of(from))), base(length + slack), raw(length + slack), companion(elements * sizeof(float) + slack) {}

Contents Contents::of_seed(const Case& from, size_t elements) {
  Contents result(from, elements);
  fill_by_seed(from, result.base.data.get(), result.raw.data.get(), result.length);
  result.fill_companion(from, elements);
  return result;
}

Contents Contents::of_bytes(const Case& from, size_t elements) {
  if (from.bytes.empty()) return of_seed(from, elements);
  Contents result(from, elements);
  fill_by_bytes(from.bytes, result.base.data.get(), result.raw.data.get(), result.length);
  result.fill_companion(from, elements);
  return result;
}

// Low halves that round down, up or as they like.
void Contents::fill_companion(const Case& from, size_t elements) {
  const size_t width = width_of(element_of(from));
  uint32_t state = from.seed * 40503u + 7;
  for (size_t i = 0; i < elements; ++i) {
    uint32_t word = next(state) & (from.seed % 2 == 0 ? 0x7fff : 0xffff);
    if (width == 2) word |= uint32_t{raw.data[i * 2]} << 16 | uint32_t{raw.data[i * 2 + 1]} << 24;
    std::memcpy(companion.data.get() + i * sizeof word, &word, sizeof word);
  }
}

}  // namespace cairn::fuzz
