// BLAKE3 with NEON, four lanes. What is left over goes to the scalar kernels. No inline library templates here, see binding.gyp.
#include <arm_neon.h>

#include "simd/blake3_lanes.h"

namespace cairn {
namespace {

// Four vectors of four words become their transpose.
CAIRN_INLINE void transpose(uint32x4_t v[4]) {
  const uint32x4_t a0 = vtrn1q_u32(v[0], v[1]), a1 = vtrn2q_u32(v[0], v[1]), a2 = vtrn1q_u32(v[2], v[3]), a3 = vtrn2q_u32(v[2], v[3]);
  v[0] = vreinterpretq_u32_u64(vtrn1q_u64(vreinterpretq_u64_u32(a0), vreinterpretq_u64_u32(a2)));
  v[1] = vreinterpretq_u32_u64(vtrn1q_u64(vreinterpretq_u64_u32(a1), vreinterpretq_u64_u32(a3)));
  v[2] = vreinterpretq_u32_u64(vtrn2q_u64(vreinterpretq_u64_u32(a0), vreinterpretq_u64_u32(a2)));
  v[3] = vreinterpretq_u32_u64(vtrn2q_u64(vreinterpretq_u64_u32(a1), vreinterpretq_u64_u32(a3)));
}

struct FourLanes {
  using Word = uint32x4_t;
  static constexpr unsigned lanes = 4;
  static constexpr const char* narrower = "scalar";

  CAIRN_INLINE static Word add(Word a, Word b) { return vaddq_u32(a, b); }
  CAIRN_INLINE static Word exclusive_or(Word a, Word b) { return veorq_u32(a, b); }
  CAIRN_INLINE static Word repeat(uint32_t word) { return vdupq_n_u32(word); }
  CAIRN_INLINE static Word load(const void* from) { return vreinterpretq_u32_u8(vld1q_u8(static_cast<const uint8_t*>(from))); }

  template <int bits>
  CAIRN_INLINE static Word rotate_right(Word v) {
    if (bits == 16) return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(v)));
    return vsriq_n_u32(vshlq_n_u32(v, 32 - bits), v, bits);
  }

  CAIRN_INLINE static void gather_words(const uint8_t* input, size_t stride, Word words[16]) {
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
      for (unsigned lane = 0; lane < lanes; ++lane) words[4 * quarter + lane] = load(input + lane * stride + 16 * quarter);
      transpose(words + 4 * quarter);
    }
  }

  CAIRN_INLINE static void store_values(Word value[8], uint8_t* out) {
    transpose(value);
    transpose(value + 4);
    for (unsigned lane = 0; lane < lanes; ++lane) {
      vst1q_u8(out + lane * value_bytes, vreinterpretq_u8_u32(value[lane]));
      vst1q_u8(out + lane * value_bytes + 16, vreinterpretq_u8_u32(value[lane + 4]));
    }
  }
};

}  // namespace

void add_neon_digest(Kernels& table) {
  table.hash_chunks = hash_chunks<FourLanes>;
  table.hash_parents = hash_parents<FourLanes>;
}

}  // namespace cairn
