// Tables of groups (stream_lookups.h) made sixteen entries at a time, for the files compiled with AVX-512.
#pragma once

#include "simd/avx512_codes.h"
#include "simd/stream_lookups.h"

namespace cairn {
namespace {

CAIRN_INLINE __m512i pair_bits(__m512i pairs) { return _mm512_and_si512(_mm512_srli_epi32(pairs, 16), _mm512_set1_epi32(0xff)); }
CAIRN_INLINE __m512i pair_first_bits(__m512i pairs) { return _mm512_and_si512(_mm512_srli_epi32(pairs, 24), _mm512_set1_epi32(15)); }

CAIRN_INLINE __m512i numbers_from(uint32_t first) {
  return _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(static_cast<int>(first)));
}

// As fill_pairs. Requires: at least 4 index bits; one entry of `symbols` more may be read.
void fill_pairs_by_16(const uint16_t* symbols, unsigned index_bits, Pair* pairs) {
  const __m512i byte = _mm512_set1_epi32(0xff), most = _mm512_set1_epi32(static_cast<int>(index_bits));
  const __m512i one = _mm512_set1_epi32(1 << number_shift);
  for (uint32_t i = 0; i < 1u << index_bits; i += 16) {
    const __m512i head = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols + i)));
    const __m512i bits = _mm512_and_si512(head, byte);
    const __m512i tail = _mm512_i32gather_epi32(_mm512_srlv_epi32(numbers_from(i), bits), symbols, 2);  // and what lies above
    const __m512i more = _mm512_and_si512(tail, byte);
    const __m512i lengths = _mm512_or_si512(_mm512_slli_epi32(bits, 16), _mm512_slli_epi32(bits, 24));
    const __m512i single = _mm512_or_si512(_mm512_or_si512(_mm512_srli_epi32(head, 8), one), lengths);
    const __m512i second = _mm512_or_si512(_mm512_and_si512(tail, _mm512_set1_epi32(0xff00)), _mm512_slli_epi32(more, 16));
    const __mmask16 fits = _mm512_cmple_epi32_mask(_mm512_add_epi32(bits, more), most);
    store(pairs + i, _mm512_mask_add_epi32(single, fits, single, _mm512_or_si512(second, one)));
  }
}

// Sixteen groups while they grow.
struct Groups {
  __m512i bits, count, index_bits;

  // What fits of the pairs that the rest of each index starts with: none of their symbols, one or all.
  CAIRN_INLINE __m512i append(const Pair* pairs, __m512i indices) {
    const __m512i tail = _mm512_i32gather_epi32(_mm512_srlv_epi32(indices, bits), pairs, 4);
    const __m512i of_all = pair_bits(tail), of_first = pair_first_bits(tail);
    const __m512i room = _mm512_sub_epi32(index_bits, bits);
    const __mmask16 any = _mm512_cmple_epi32_mask(of_first, room), all = _mm512_cmple_epi32_mask(of_all, room);
    bits = _mm512_mask_add_epi32(bits, any, bits, _mm512_mask_mov_epi32(of_first, all, of_all));
    count = _mm512_mask_add_epi32(count, any, count, _mm512_mask_mov_epi32(_mm512_set1_epi32(1), all, _mm512_srli_epi32(tail, number_shift)));
    return _mm512_maskz_and_epi32(any, tail, _mm512_mask_set1_epi32(_mm512_set1_epi32(0xff), all, 0xffff));
  }
};

// As fill_groups.
void fill_groups_by_16(const Pair* pairs, unsigned index_bits, Group* groups) {
  const __m512i all_bits = _mm512_set1_epi32(static_cast<int>(index_bits));
  const __m512i front = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), back = _mm512_add_epi32(front, _mm512_set1_epi32(8));
  for (uint32_t i = 0; i < 1u << index_bits; i += 16) {
    const __m512i head = load(pairs + i);
    Groups made{pair_bits(head), _mm512_srli_epi32(head, number_shift), all_bits};
    const __m512i indices = numbers_from(i), middle = made.append(pairs, indices), last = made.append(pairs, indices);
    const __m512i low = _mm512_or_si512(_mm512_and_si512(head, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(middle, 16));
    const __m512i high = _mm512_or_si512(last, _mm512_or_si512(_mm512_slli_epi32(made.bits, 16), _mm512_slli_epi32(made.count, 24)));
    store(groups + i, _mm512_permutex2var_epi32(low, front, high));
    store(groups + i + 8, _mm512_permutex2var_epi32(low, back, high));
  }
}

template <unsigned index_bits>
void make_groups_by_16(const uint16_t* symbols, Group* groups) {
  alignas(64) Pair pairs[1u << index_bits];
  fill_pairs_by_16(symbols, index_bits, pairs);
  fill_groups_by_16(pairs, index_bits, groups);
}

}  // namespace
}  // namespace cairn
