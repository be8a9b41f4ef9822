// Differences (difference_order.h) by the register, for the files compiled with AVX-512.
#pragma once

#include <immintrin.h>

#include "codecs/conditioned_streams.h"
#include "simd/low_bits.h"

namespace cairn {
namespace {

// What differences of 16-bit elements need; as Order and take_difference.
struct Shape16 {
  __m512i sign, kept, sub_least;
  __m128i trailing, sub_bits;

  CAIRN_INLINE explicit Shape16(const DifferenceShape& shape)
      : sign(_mm512_set1_epi16(INT16_MIN)),
        kept(_mm512_set1_epi16(static_cast<int16_t>(0xffffu << shape.trailing_bits))),
        sub_least(_mm512_set1_epi16(static_cast<int16_t>(15 - shape.sub_bits))),
        trailing(_mm_cvtsi32_si128(shape.trailing_bits)),
        sub_bits(_mm_cvtsi32_si128(shape.sub_bits)) {}

  // (pattern < 0 ? ~pattern : pattern | sign), of the kept bits.
  CAIRN_INLINE __m512i to_ordered(__m512i pattern) const {
    return _mm512_xor_si512(pattern, _mm512_and_si512(_mm512_or_si512(_mm512_srai_epi16(pattern, 15), sign), kept));
  }
  CAIRN_INLINE __m512i from_ordered(__m512i ordered) const {
    return _mm512_xor_si512(ordered, _mm512_and_si512(_mm512_or_si512(_mm512_srai_epi16(_mm512_xor_si512(ordered, sign), 15), sign), kept));
  }
};

// Leading zeros of 16-bit numbers, by those of 32 bits.
CAIRN_INLINE __m512i count_zeros_16(__m512i values) {
  const __m512i ones = _mm512_set1_epi32(0xffff);
  const __m512i high = _mm512_lzcnt_epi32(_mm512_or_si512(values, ones));
  const __m512i low = _mm512_lzcnt_epi32(_mm512_or_si512(_mm512_slli_epi32(values, 16), ones));
  return _mm512_or_si512(_mm512_slli_epi32(high, 16), low);
}

struct Shape32 {
  __m512i sign, kept, sub_least;
  __m128i trailing, sub_bits;

  CAIRN_INLINE explicit Shape32(const DifferenceShape& shape)
      : sign(_mm512_set1_epi32(INT32_MIN)),
        kept(_mm512_set1_epi32(static_cast<int32_t>(0xffffffffu << shape.trailing_bits))),
        sub_least(_mm512_set1_epi32(31 - shape.sub_bits)),
        trailing(_mm_cvtsi32_si128(shape.trailing_bits)),
        sub_bits(_mm_cvtsi32_si128(shape.sub_bits)) {}

  CAIRN_INLINE __m512i to_ordered(__m512i pattern) const {
    return _mm512_xor_si512(pattern, _mm512_and_si512(_mm512_or_si512(_mm512_srai_epi32(pattern, 31), sign), kept));
  }
  CAIRN_INLINE __m512i from_ordered(__m512i ordered) const {
    return _mm512_xor_si512(ordered, _mm512_and_si512(_mm512_or_si512(_mm512_srai_epi32(_mm512_xor_si512(ordered, sign), 31), sign), kept));
  }
};

// ---- low bits

// How many low bits follow each symbol. `above`: what the symbol has in bits below its class.
CAIRN_INLINE __m512i low_bits_16(__m256i symbols, __m128i above) {
  return _mm512_subs_epu16(_mm512_srl_epi16(_mm512_cvtepu8_epi16(symbols), above), _mm512_set1_epi16(1));
}

CAIRN_INLINE __m512i low_bits_32(__m128i symbols, __m128i above) {
  return _mm512_max_epi32(_mm512_sub_epi32(_mm512_srl_epi32(_mm512_cvtepu8_epi32(symbols), above), _mm512_set1_epi32(1)), _mm512_setzero_si512());
}

CAIRN_INLINE __m512i ones_16(__m512i counts) {
  const __m512i one = _mm512_set1_epi16(1);
  return _mm512_sub_epi16(_mm512_sllv_epi16(one, counts), one);
}

CAIRN_INLINE __m512i ones_32(__m512i counts) {
  const __m512i one = _mm512_set1_epi32(1);
  return _mm512_sub_epi32(_mm512_sllv_epi32(one, counts), one);
}

// Sums of the lanes of 64 bits up to each one, that included.
CAIRN_INLINE __m512i sums_64(__m512i lanes) {
  const __m512i none = _mm512_setzero_si512();
  const __m512i twos = _mm512_add_epi64(lanes, _mm512_alignr_epi64(lanes, none, 7));
  const __m512i fours = _mm512_add_epi64(twos, _mm512_alignr_epi64(twos, none, 6));
  return _mm512_add_epi64(fours, _mm512_alignr_epi64(fours, none, 4));
}

}  // namespace
}  // namespace cairn
