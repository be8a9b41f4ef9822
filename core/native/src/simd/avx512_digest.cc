// BLAKE3 with AVX-512, sixteen lanes. What is left over goes to AVX2's kernels. No inline library templates here, see binding.gyp.
#include <immintrin.h>

#include "simd/blake3_lanes.h"

namespace cairn {
namespace {

// Sixteen vectors of sixteen words become their transpose: by pairs of words, by fours, then by quarters of a register.
CAIRN_INLINE void transpose(__m512i v[16]) {
  __m512i pairs[16], fours[16], halves[16];
#pragma GCC unroll 8
  for (unsigned i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
#pragma GCC unroll 4
  for (unsigned i = 0; i < 16; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    halves[i] = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0x88);
    halves[i + 4] = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0xdd);
    halves[i + 8] = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0x88);
    halves[i + 12] = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (unsigned i = 0; i < 4; ++i) {
    v[i] = _mm512_shuffle_i32x4(halves[i], halves[i + 8], 0x88);
    v[i + 4] = _mm512_shuffle_i32x4(halves[i + 4], halves[i + 12], 0x88);
    v[i + 8] = _mm512_shuffle_i32x4(halves[i], halves[i + 8], 0xdd);
    v[i + 12] = _mm512_shuffle_i32x4(halves[i + 4], halves[i + 12], 0xdd);
  }
}

struct SixteenLanes {
  using Word = __m512i;
  static constexpr unsigned lanes = 16;
  static constexpr const char* narrower = "avx2";

  CAIRN_INLINE static Word add(Word a, Word b) { return _mm512_add_epi32(a, b); }
  CAIRN_INLINE static Word exclusive_or(Word a, Word b) { return _mm512_xor_si512(a, b); }
  CAIRN_INLINE static Word repeat(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  CAIRN_INLINE static Word load(const void* from) { return _mm512_loadu_si512(from); }

  template <int bits>
  CAIRN_INLINE static Word rotate_right(Word v) { return _mm512_ror_epi32(v, bits); }

  CAIRN_INLINE static void gather_words(const uint8_t* input, size_t stride, Word words[16]) {
#pragma GCC unroll 16
    for (unsigned lane = 0; lane < lanes; ++lane) words[lane] = load(input + lane * stride);
    transpose(words);
  }

  CAIRN_INLINE static void store_values(Word value[8], uint8_t* out) {
    Word words[16];
    for (unsigned i = 0; i < 16; ++i) words[i] = value[i % 8];
    transpose(words);
    for (unsigned lane = 0; lane < lanes; ++lane) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + lane * value_bytes), _mm512_castsi512_si256(words[lane]));
    }
  }
};

}  // namespace

void add_avx512_digest(Kernels& table) {
  table.hash_chunks = hash_chunks<SixteenLanes>;
  table.hash_parents = hash_parents<SixteenLanes>;
}

}  // namespace cairn
