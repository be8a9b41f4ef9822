#include "codecs/rounded.h"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

constexpr uint32_t infinity = 0x7f800000;

// To nearest, ties to even; of a NaN the upper half, made quiet.
uint16_t to_bfloat16(uint32_t x) {
  const uint32_t nearest = (x + 0x7fff + (x >> 16 & 1)) >> 16, not_a_number = x >> 16 | 0x40;
  return static_cast<uint16_t>((x & 0x7fffffff) > infinity ? not_a_number : nearest);
}

// What a float32 below 2^-14 is in units of 2^-24, float16's smallest: where 0.5 is added, the sum's own rounding is to these.
uint32_t to_subnormal(uint32_t magnitude) {
  constexpr uint32_t half = 0x3f000000;
  float value;
  std::memcpy(&value, &magnitude, sizeof value);
  value += 0.5f;
  uint32_t sum;
  std::memcpy(&sum, &value, sizeof sum);
  return sum - half;
}

// The same for float16: no branches, so that compilers make vectors of it.
uint16_t to_float16(uint32_t x) {
  constexpr uint32_t least_normal = 0x38800000, least_infinite = 0x477ff000, rebias = 0x38000000;
  const uint32_t magnitude = x & 0x7fffffff;
  const uint32_t normal = (magnitude - rebias + 0xfff + (magnitude >> 13 & 1)) >> 13;
  const uint32_t subnormal = to_subnormal(magnitude < least_normal ? magnitude : 0);
  const uint32_t not_a_number = 0x7e00 | (magnitude >> 13 & 0x3ff);
  const uint32_t finite = magnitude < least_normal ? subnormal : magnitude < least_infinite ? normal : 0x7c00;
  return static_cast<uint16_t>((x >> 16 & 0x8000) | (magnitude > infinity ? not_a_number : finite));
}

template <uint16_t (*round)(uint32_t)>
void round_each(const uint8_t* master, size_t count, uint8_t* raw) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t from;
    std::memcpy(&from, master + i * 4, sizeof from);
    const uint16_t to = round(from);
    std::memcpy(raw + i * 2, &to, sizeof to);
  }
}

bool has_roundings(Element element) { return element == Element::bfloat16 || element == Element::float16; }

void round_all(Element element, const uint8_t* master, size_t count, uint8_t* raw) {
  if (element == Element::bfloat16) round_each<to_bfloat16>(master, count, raw);
  else round_each<to_float16>(master, count, raw);
}

}  // namespace

bool is_rounded(const RawBlock& block) {
  if (block.companion_role != Role::master || !has_roundings(block.element) || block.length == 0) return false;
  // In runs, so that what isn't rounded is known by its first elements.
  constexpr size_t run = 2048;
  uint8_t rounded[run * 2];
  const size_t count = block.length / 2;
  for (size_t start = 0; start < count; start += run) {
    const size_t here = std::min(run, count - start);
    round_all(block.element, block.companion + start * 4, here, rounded);
    if (std::memcmp(rounded, block.raw + start * 2, here * 2) != 0) return false;
  }
  return true;
}

size_t encode_rounded(const RawBlock& block, Scratch&, uint8_t*, size_t) { return is_rounded(block) ? 0 : does_not_fit; }

bool decode_rounded(const StoredBlock& stored, Scratch&, const RawTarget& target) {
  if (stored.length != 0 || target.companion == nullptr || !has_roundings(target.element) || target.length == 0) return false;
  round_all(target.element, target.companion, target.length / 2, target.raw);
  return true;
}

}  // namespace cairn
