#include <immintrin.h>

#include "simd/conditioned_kernels.h"

namespace cairn {
namespace {

// (pattern < 0 ? ~pattern : pattern | sign), of the kept bits.
CAIRN_INLINE __m256i order_16(__m256i pattern, __m256i sign, __m256i kept) {
  const __m256i flips = _mm256_and_si256(_mm256_or_si256(_mm256_srai_epi16(pattern, 15), sign), kept);
  return _mm256_xor_si256(pattern, flips);
}

CAIRN_INLINE __m256i order_32(__m256i pattern, __m256i sign, __m256i kept) {
  const __m256i flips = _mm256_and_si256(_mm256_or_si256(_mm256_srai_epi32(pattern, 31), sign), kept);
  return _mm256_xor_si256(pattern, flips);
}

// Magnitude numbers of values below 2^24: the exponent and the top of the mantissa of a float are just that. Small
// values, which come out too small, are for the caller.
template <int sub_bits>
CAIRN_INLINE __m256i number_32(__m256i values) {
  const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(values));
  return _mm256_sub_epi32(_mm256_srli_epi32(bits, 23 - sub_bits), _mm256_set1_epi32((126 + sub_bits) << sub_bits));
}

// As classify_as for 16 elements of 2 bytes and three sub bits.
CAIRN_INLINE void classify_16(const uint8_t* raw, const uint8_t* base, const DifferenceShape& shape, size_t i, const Differences& to) {
  const __m256i sign = _mm256_set1_epi16(static_cast<int16_t>(0x8000));
  const __m256i kept = _mm256_set1_epi16(static_cast<int16_t>(0xffffu << shape.trailing_bits));
  const __m256i from = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(base + 2 * i)), kept);
  const __m256i is = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw + 2 * i));
  const __m256i difference = _mm256_sub_epi16(order_16(is, sign, kept), order_16(from, sign, kept));
  const __m256i magnitude = _mm256_srl_epi16(_mm256_abs_epi16(difference), _mm_cvtsi32_si128(shape.trailing_bits));
  const __m256i low = _mm256_unpacklo_epi16(magnitude, _mm256_setzero_si256()), high = _mm256_unpackhi_epi16(magnitude, _mm256_setzero_si256());
  const __m256i large = _mm256_packus_epi32(number_32<3>(low), number_32<3>(high));  // below 0 becomes 0
  const __m256i number = _mm256_max_epu16(large, _mm256_min_epu16(magnitude, _mm256_set1_epi16(8)));
  const __m256i same = _mm256_cmpeq_epi16(magnitude, _mm256_setzero_si256());
  const __m256i inward = _mm256_andnot_si256(same, _mm256_srli_epi16(_mm256_xor_si256(difference, from), 15));
  const __m256i key = _mm256_srl_epi16(_mm256_andnot_si256(sign, from), _mm_cvtsi32_si128(shape.mantissa_bits));
  const __m256i symbol = _mm256_or_si256(_mm256_add_epi16(number, number), inward);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.pairs + i), _mm256_or_si256(_mm256_slli_epi16(key, 8), symbol));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.magnitudes + 2 * i), magnitude);
}

// As classify_as for 8 elements of 4 bytes and two sub bits.
CAIRN_INLINE void classify_32(const uint8_t* raw, const uint8_t* base, const DifferenceShape& shape, size_t i, const Differences& to) {
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);
  const __m256i kept = _mm256_set1_epi32(static_cast<int32_t>(0xffffffffu << shape.trailing_bits));
  const __m256i from = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(base + 4 * i)), kept);
  const __m256i is = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw + 4 * i));
  const __m256i difference = _mm256_sub_epi32(order_32(is, sign, kept), order_32(from, sign, kept));
  const __m256i magnitude = _mm256_srl_epi32(_mm256_abs_epi32(difference), _mm_cvtsi32_si128(shape.trailing_bits));
  // Above 2^24 a float would be rounded: eight bits less, and eight classes more.
  const __m256i small = _mm256_cmpeq_epi32(_mm256_srli_epi32(magnitude, 24), _mm256_setzero_si256());
  const __m256i exact = _mm256_blendv_epi8(_mm256_srli_epi32(magnitude, 8), magnitude, small);
  const __m256i large = _mm256_add_epi32(number_32<2>(exact), _mm256_andnot_si256(small, _mm256_set1_epi32(8 << 2)));
  const __m256i number = _mm256_max_epi32(large, _mm256_min_epu32(magnitude, _mm256_set1_epi32(4)));
  const __m256i same = _mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256());
  const __m256i inward = _mm256_andnot_si256(same, _mm256_srli_epi32(_mm256_xor_si256(difference, from), 31));
  const __m256i key = _mm256_srl_epi32(_mm256_andnot_si256(sign, from), _mm_cvtsi32_si128(shape.mantissa_bits));
  const __m256i pair = _mm256_or_si256(_mm256_slli_epi32(key, 8), _mm256_or_si256(_mm256_add_epi32(number, number), inward));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to.pairs + i), _mm_packus_epi32(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.magnitudes + 4 * i), magnitude);
}

void classify_differences_avx2(const uint8_t* raw, const uint8_t* base, size_t count, const DifferenceShape& shape, const Differences& to) {
  size_t i = 0;
  if (shape.width == 2 && shape.sub_bits == 3) {
    for (; i + 16 <= count; i += 16) classify_16(raw, base, shape, i, to);
  } else if (shape.width == 4 && shape.sub_bits == 2) {
    for (; i + 8 <= count; i += 8) classify_32(raw, base, shape, i, to);
  }
  classify_differences(raw + i * shape.width, base + i * shape.width, count - i, shape, {to.pairs + i, to.magnitudes + i * shape.width});
}

}  // namespace

void add_avx2_conditioned(Kernels& table) {
  table.classify_differences = classify_differences_avx2;
  table.pack_differences = pack_differences;
  table.unpack_differences = unpack_differences;
  table.restore_differences = restore_differences;
}

}  // namespace cairn
