#include <immintrin.h>

#include "simd/conditioned_kernels.h"
#include "simd/part_kernels.h"

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
CAIRN_INLINE __m256i number_32(__m256i values, int sub_bits) {
  const __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(values));
  return _mm256_sub_epi32(_mm256_srl_epi32(bits, _mm_cvtsi32_si128(23 - sub_bits)), _mm256_set1_epi32((126 + sub_bits) << sub_bits));
}

// Differences taken apart, one a lane.
struct TakenLanes {
  __m256i from, magnitude, symbol;
};

// As take_difference for 16 elements of 2 bytes.
CAIRN_INLINE TakenLanes take_16(const uint8_t* raw, const uint8_t* base, const DifferenceShape& shape) {
  const __m256i sign = _mm256_set1_epi16(static_cast<int16_t>(0x8000));
  const __m256i kept = _mm256_set1_epi16(static_cast<int16_t>(0xffffu << shape.trailing_bits));
  const __m256i from = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(base)), kept);
  const __m256i is = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw));
  const __m256i difference = _mm256_sub_epi16(order_16(is, sign, kept), order_16(from, sign, kept));
  const __m256i magnitude = _mm256_srl_epi16(_mm256_abs_epi16(difference), _mm_cvtsi32_si128(shape.trailing_bits));
  const __m256i low = _mm256_unpacklo_epi16(magnitude, _mm256_setzero_si256()), high = _mm256_unpackhi_epi16(magnitude, _mm256_setzero_si256());
  const __m256i large = _mm256_packus_epi32(number_32(low, shape.sub_bits), number_32(high, shape.sub_bits));  // below 0 becomes 0
  const __m256i number = _mm256_max_epu16(large, _mm256_min_epu16(magnitude, _mm256_set1_epi16(static_cast<int16_t>(1 << shape.sub_bits))));
  const __m256i same = _mm256_cmpeq_epi16(magnitude, _mm256_setzero_si256());
  const __m256i inward = _mm256_andnot_si256(same, _mm256_srli_epi16(_mm256_xor_si256(difference, from), 15));
  return {from, magnitude, _mm256_or_si256(_mm256_add_epi16(number, number), inward)};
}

// As take_difference for 8 elements of 4 bytes.
CAIRN_INLINE TakenLanes take_8(const uint8_t* raw, const uint8_t* base, const DifferenceShape& shape) {
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);
  const __m256i kept = _mm256_set1_epi32(static_cast<int32_t>(0xffffffffu << shape.trailing_bits));
  const __m256i from = _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(base)), kept);
  const __m256i is = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw));
  const __m256i difference = _mm256_sub_epi32(order_32(is, sign, kept), order_32(from, sign, kept));
  const __m256i magnitude = _mm256_srl_epi32(_mm256_abs_epi32(difference), _mm_cvtsi32_si128(shape.trailing_bits));
  // Above 2^24 a float would be rounded: eight bits less, and eight classes more.
  const __m256i small = _mm256_cmpeq_epi32(_mm256_srli_epi32(magnitude, 24), _mm256_setzero_si256());
  const __m256i exact = _mm256_blendv_epi8(_mm256_srli_epi32(magnitude, 8), magnitude, small);
  const __m256i more = _mm256_andnot_si256(small, _mm256_set1_epi32(8 << shape.sub_bits));
  const __m256i large = _mm256_add_epi32(number_32(exact, shape.sub_bits), more);
  const __m256i number = _mm256_max_epi32(large, _mm256_min_epu32(magnitude, _mm256_set1_epi32(1 << shape.sub_bits)));
  const __m256i same = _mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256());
  const __m256i inward = _mm256_andnot_si256(same, _mm256_srli_epi32(_mm256_xor_si256(difference, from), 31));
  return {from, magnitude, _mm256_or_si256(_mm256_add_epi32(number, number), inward)};
}

CAIRN_INLINE __m256i keys_16(__m256i patterns, const DifferenceShape& shape) {
  return _mm256_srl_epi16(_mm256_and_si256(patterns, _mm256_set1_epi16(INT16_MAX)), _mm_cvtsi32_si128(shape.mantissa_bits));
}

CAIRN_INLINE __m256i keys_32(__m256i patterns, const DifferenceShape& shape) {
  return _mm256_srl_epi32(_mm256_and_si256(patterns, _mm256_set1_epi32(INT32_MAX)), _mm_cvtsi32_si128(shape.mantissa_bits));
}

CAIRN_INLINE __m128i narrow_32(__m256i lanes) { return _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1)); }

void classify_differences_avx2(const uint8_t* raw, const uint8_t* base, size_t count, const DifferenceShape& shape, const Differences& to) {
  size_t i = 0;
  for (; shape.width == 2 && i + 16 <= count; i += 16) {
    const TakenLanes taken = take_16(raw + 2 * i, base + 2 * i, shape);
    const __m256i pair = _mm256_or_si256(_mm256_slli_epi16(keys_16(taken.from, shape), 8), taken.symbol);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.pairs + i), pair);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.magnitudes + 2 * i), taken.magnitude);
  }
  for (; shape.width == 4 && i + 8 <= count; i += 8) {
    const TakenLanes taken = take_8(raw + 4 * i, base + 4 * i, shape);
    const __m256i pair = _mm256_or_si256(_mm256_slli_epi32(keys_32(taken.from, shape), 8), taken.symbol);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to.pairs + i), narrow_32(pair));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to.magnitudes + 4 * i), taken.magnitude);
  }
  classify_differences(raw + i * shape.width, base + i * shape.width, count - i, shape, {to.pairs + i, to.magnitudes + i * shape.width});
}

CAIRN_INLINE void take_run(const uint8_t* raw, const uint8_t* base, size_t n, const DifferenceShape& shape, uint8_t* symbols, uint8_t* magnitudes) {
  size_t i = 0;
  for (; shape.width == 2 && i + 16 <= n; i += 16) {
    const TakenLanes taken = take_16(raw + 2 * i, base + 2 * i, shape);
    const __m128i narrow = _mm_packus_epi16(_mm256_castsi256_si128(taken.symbol), _mm256_extracti128_si256(taken.symbol, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(symbols + i), narrow);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(magnitudes + 2 * i), taken.magnitude);
  }
  for (; shape.width == 4 && i + 8 <= n; i += 8) {
    const TakenLanes taken = take_8(raw + 4 * i, base + 4 * i, shape);
    const __m128i narrow = narrow_32(taken.symbol);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(symbols + i), _mm_packus_epi16(narrow, narrow));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(magnitudes + 4 * i), taken.magnitude);
  }
  const size_t at = i * shape.width;
  take_symbols(raw + at, base + at, n - i, shape, symbols + i, magnitudes + at);
}

void take_symbols_avx2(const uint8_t* raw, const uint8_t* base, size_t n, const DifferenceShape& shape, uint8_t* symbols, uint8_t* magnitudes) {
  by_runs(raw, base, n, shape.width, [&](size_t first, size_t here) {
    const size_t at = first * shape.width;
    take_run(raw + at, base + at, here, shape, symbols + first, magnitudes + at);
  });
}

// Looks keys up in spans of sixteen, for maps that are constant outside of 64 keys.
class SpanTable {
 public:
  CAIRN_INLINE explicit SpanTable(const uint8_t map[256]) {
    unsigned first = 0, last = 255;
    while (first < last && map[first] == map[first + 1]) ++first;
    while (last > first && map[last] == map[last - 1]) --last;
    fits = last - first < 64;
    first_ = _mm256_set1_epi8(static_cast<char>(first));
    last_ = _mm256_set1_epi8(static_cast<char>(last));
    for (unsigned span = 0; span < 4; ++span) {
      alignas(16) uint8_t row[16];
      for (unsigned i = 0; i < 16; ++i) row[i] = map[first + span * 16 + i < 256 ? first + span * 16 + i : 255];
      rows_[span] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
    }
  }

  // A shuffle gives 0 where the key is outside of its span.
  CAIRN_INLINE __m256i look_up(__m256i keys) const {
    __m256i index = _mm256_sub_epi8(_mm256_max_epu8(_mm256_min_epu8(keys, last_), first_), first_);
    __m256i found = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned span = 0; span < 4; ++span) {
      found = _mm256_or_si256(found, _mm256_shuffle_epi8(rows_[span], _mm256_adds_epu8(index, _mm256_set1_epi8(0x70))));
      index = _mm256_sub_epi8(index, _mm256_set1_epi8(16));
    }
    return found;
  }

  bool fits;

 private:
  __m256i first_, last_, rows_[4];
};

CAIRN_INLINE __m256i load(const uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

void find_parts_avx2(const uint8_t* base, size_t n, const DifferenceShape& shape, const uint8_t map[256], uint8_t* parts) {
  const SpanTable table(map);
  size_t i = 0;
  for (; table.fits && shape.width == 2 && i + 32 <= n; i += 32) {
    const __m256i keys = _mm256_packus_epi16(keys_16(load(base + 2 * i), shape), keys_16(load(base + 2 * i + 32), shape));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts + i), table.look_up(_mm256_permute4x64_epi64(keys, 0xd8)));
  }
  for (; table.fits && shape.width == 4 && i + 32 <= n; i += 32) {
    const uint8_t* const at = base + 4 * i;
    const __m256i low = _mm256_packus_epi32(keys_32(load(at), shape), keys_32(load(at + 32), shape));
    const __m256i high = _mm256_packus_epi32(keys_32(load(at + 64), shape), keys_32(load(at + 96), shape));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(parts + i), table.look_up(_mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order)));
  }
  find_parts(base + i * shape.width, n - i, shape, map, parts + i);
}

}  // namespace

void add_avx2_conditioned(Kernels& table) {
  table.classify_differences = classify_differences_avx2;
  table.pack_differences = pack_differences;
  table.unpack_differences = unpack_differences;
  table.restore_differences = restore_differences;
  add_part_kernels(table);
  table.find_parts = find_parts_avx2;
  table.take_symbols = take_symbols_avx2;
}

}  // namespace cairn
