// BLAKE3 with AVX2, eight lanes. What is left over goes to the scalar kernels. No inline library templates here, see binding.gyp.
#include <immintrin.h>

#include "simd/blake3_lanes.h"

namespace cairn {
namespace {

CAIRN_INLINE __m256i rotate_16(__m256i v) {
  return _mm256_shuffle_epi8(v, _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15, 14, 9, 8, 11, 10, 5,
                                                4, 7, 6, 1, 0, 3, 2));
}

CAIRN_INLINE __m256i rotate_8(__m256i v) {
  return _mm256_shuffle_epi8(v, _mm256_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1, 12, 15, 14, 13, 8, 11, 10, 9, 4,
                                                7, 6, 5, 0, 3, 2, 1));
}

// Eight vectors of eight words become their transpose.
CAIRN_INLINE void transpose(__m256i v[8]) {
  const __m256i a0 = _mm256_unpacklo_epi32(v[0], v[1]), a1 = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i a2 = _mm256_unpacklo_epi32(v[2], v[3]), a3 = _mm256_unpackhi_epi32(v[2], v[3]);
  const __m256i a4 = _mm256_unpacklo_epi32(v[4], v[5]), a5 = _mm256_unpackhi_epi32(v[4], v[5]);
  const __m256i a6 = _mm256_unpacklo_epi32(v[6], v[7]), a7 = _mm256_unpackhi_epi32(v[6], v[7]);
  const __m256i b0 = _mm256_unpacklo_epi64(a0, a2), b1 = _mm256_unpackhi_epi64(a0, a2);
  const __m256i b2 = _mm256_unpacklo_epi64(a1, a3), b3 = _mm256_unpackhi_epi64(a1, a3);
  const __m256i b4 = _mm256_unpacklo_epi64(a4, a6), b5 = _mm256_unpackhi_epi64(a4, a6);
  const __m256i b6 = _mm256_unpacklo_epi64(a5, a7), b7 = _mm256_unpackhi_epi64(a5, a7);
  v[0] = _mm256_permute2x128_si256(b0, b4, 0x20);
  v[1] = _mm256_permute2x128_si256(b1, b5, 0x20);
  v[2] = _mm256_permute2x128_si256(b2, b6, 0x20);
  v[3] = _mm256_permute2x128_si256(b3, b7, 0x20);
  v[4] = _mm256_permute2x128_si256(b0, b4, 0x31);
  v[5] = _mm256_permute2x128_si256(b1, b5, 0x31);
  v[6] = _mm256_permute2x128_si256(b2, b6, 0x31);
  v[7] = _mm256_permute2x128_si256(b3, b7, 0x31);
}

struct EightLanes {
  using Word = __m256i;
  static constexpr unsigned lanes = 8;
  static constexpr const char* narrower = "scalar";

  CAIRN_INLINE static Word add(Word a, Word b) { return _mm256_add_epi32(a, b); }
  CAIRN_INLINE static Word exclusive_or(Word a, Word b) { return _mm256_xor_si256(a, b); }
  CAIRN_INLINE static Word repeat(uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  CAIRN_INLINE static Word load(const void* from) { return _mm256_loadu_si256(static_cast<const Word*>(from)); }

  template <int bits>
  CAIRN_INLINE static Word rotate_right(Word v) {
    if (bits == 16) return rotate_16(v);
    if (bits == 8) return rotate_8(v);
    return _mm256_or_si256(_mm256_srli_epi32(v, bits), _mm256_slli_epi32(v, 32 - bits));
  }

  CAIRN_INLINE static void gather_words(const uint8_t* input, size_t stride, Word words[16]) {
    for (unsigned lane = 0; lane < lanes; ++lane) {
      words[lane] = load(input + lane * stride);
      words[lane + 8] = load(input + lane * stride + 32);
    }
    transpose(words);
    transpose(words + 8);
  }

  CAIRN_INLINE static void store_values(Word value[8], uint8_t* out) {
    transpose(value);
    for (unsigned lane = 0; lane < lanes; ++lane) _mm256_storeu_si256(reinterpret_cast<Word*>(out + lane * value_bytes), value[lane]);
  }
};

}  // namespace

void add_avx2_digest(Kernels& table) {
  table.hash_chunks = hash_chunks<EightLanes>;
  table.hash_parents = hash_parents<EightLanes>;
}

}  // namespace cairn
