// Conditioned differences with AVX-512 (BW, CD, VBMI, VBMI2): elements of 2 and 4 bytes by the register, the last ones and
// elements of 1 byte by the portable loops. No inline library templates here, see binding.gyp.
#include "simd/avx512_codes.h"
#include "simd/avx512_differences.h"
#include "simd/avx512_groups.h"
#include "simd/part_kernels.h"

namespace cairn {
namespace {

// ---- parts

// Exponent fields of 64 elements.
CAIRN_INLINE __m512i keys_16(const uint8_t* base, __m128i mantissa_bits, __m512i mask) {
  const __m512i a = _mm512_and_si512(_mm512_srl_epi16(load(base), mantissa_bits), mask);
  const __m512i b = _mm512_and_si512(_mm512_srl_epi16(load(base + 64), mantissa_bits), mask);
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(a)), _mm512_cvtepi16_epi8(b), 1);
}

CAIRN_INLINE __m512i keys_32(const uint8_t* base, __m128i mantissa_bits) {
  __m128i keys[4];
  for (unsigned i = 0; i < 4; ++i) keys[i] = _mm512_cvtepi32_epi8(_mm512_srl_epi32(load(base + 64 * i), mantissa_bits));
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(keys[0]), keys[1], 1);
  const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(keys[2]), keys[3], 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

void find_parts_avx512(const uint8_t* base, size_t n, const DifferenceShape& shape, const uint8_t map[256], uint8_t* parts) {
  const ByteTable table(map);
  const __m128i mantissa_bits = _mm_cvtsi32_si128(shape.mantissa_bits);
  size_t i = 0;
  if (shape.width == 2) {
    const __m512i mask = _mm512_set1_epi16(static_cast<int16_t>((1 << (15 - shape.mantissa_bits)) - 1));
    for (; i + 64 <= n; i += 64) store(parts + i, table.look_up(keys_16(base + 2 * i, mantissa_bits, mask)));
  } else if (shape.width == 4) {
    for (; i + 64 <= n; i += 64) store(parts + i, table.look_up(keys_32(base + 4 * i, mantissa_bits)));
  }
  find_parts(base + i * shape.width, n - i, shape, map, parts + i);
}

CAIRN_INLINE __mmask64 is_part(__m512i parts, unsigned part) { return _mm512_cmpeq_epi8_mask(parts, _mm512_set1_epi8(static_cast<char>(part))); }

void part_symbols_avx512(const uint8_t* symbols, const uint8_t* parts, size_t n, unsigned part_count, uint8_t* ends[most_parts + 1]) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i of = load(parts + i), all = load(symbols + i);
    for (unsigned part = 0; part < part_count; ++part) {
      const __mmask64 here = is_part(of, part);
      store(ends[part], _mm512_maskz_compress_epi8(here, all));
      ends[part] += _mm_popcnt_u64(here);
    }
    ends[no_part] += _mm_popcnt_u64(is_part(of, no_part));
  }
  part_symbols(symbols + i, parts + i, n - i, part_count, ends);
}

void place_symbols_avx512(const uint8_t* parts, size_t n, unsigned part_count, const uint8_t* nexts[most_parts + 1], uint8_t* symbols) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i of = load(parts + i);
    __m512i all = _mm512_setzero_si512();
    for (unsigned part = 0; part < part_count; ++part) {
      const __mmask64 here = is_part(of, part);
      all = _mm512_mask_expand_epi8(all, here, load(nexts[part]));
      nexts[part] += _mm_popcnt_u64(here);
    }
    store(symbols + i, all);
  }
  place_symbols(parts + i, n - i, part_count, nexts, symbols + i);
}

// ---- symbols and low bits

CAIRN_INLINE void take_32(const Shape16& shape, const uint8_t* raw, const uint8_t* base, uint8_t* symbols, uint8_t* magnitudes) {
  const __m512i from = _mm512_and_si512(load(base), shape.kept);
  const __m512i difference = _mm512_sub_epi16(shape.to_ordered(load(raw)), shape.to_ordered(from));
  const __m512i magnitude = _mm512_srl_epi16(_mm512_abs_epi16(difference), shape.trailing);
  const __m512i low_bits = _mm512_subs_epu16(shape.sub_least, count_zeros_16(magnitude));
  const __m512i number = _mm512_add_epi16(_mm512_sll_epi16(low_bits, shape.sub_bits), _mm512_srlv_epi16(magnitude, low_bits));
  const __m512i inward = _mm512_srli_epi16(_mm512_xor_si512(difference, from), 15);
  const __mmask32 changed = _mm512_test_epi16_mask(magnitude, magnitude);
  const __m512i symbol = _mm512_maskz_mov_epi16(changed, _mm512_or_si512(_mm512_add_epi16(number, number), inward));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(symbols), _mm512_cvtepi16_epi8(symbol));
  store(magnitudes, magnitude);
}

CAIRN_INLINE void take_16(const Shape32& shape, const uint8_t* raw, const uint8_t* base, uint8_t* symbols, uint8_t* magnitudes) {
  const __m512i from = _mm512_and_si512(load(base), shape.kept);
  const __m512i difference = _mm512_sub_epi32(shape.to_ordered(load(raw)), shape.to_ordered(from));
  const __m512i magnitude = _mm512_srl_epi32(_mm512_abs_epi32(difference), shape.trailing);
  const __m512i low_bits = _mm512_max_epi32(_mm512_sub_epi32(shape.sub_least, _mm512_lzcnt_epi32(magnitude)), _mm512_setzero_si512());
  const __m512i number = _mm512_add_epi32(_mm512_sll_epi32(low_bits, shape.sub_bits), _mm512_srlv_epi32(magnitude, low_bits));
  const __m512i inward = _mm512_srli_epi32(_mm512_xor_si512(difference, from), 31);
  const __m512i symbol = _mm512_maskz_or_epi32(_mm512_test_epi32_mask(magnitude, magnitude), _mm512_add_epi32(number, number), inward);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(symbols), _mm512_cvtepi32_epi8(symbol));
  store(magnitudes, magnitude);
}

void take_symbols_avx512(const uint8_t* raw, const uint8_t* base, size_t n, const DifferenceShape& shape, uint8_t* symbols, uint8_t* magnitudes) {
  size_t i = 0;
  if (shape.width == 2) {
    const Shape16 wide(shape);
    for (; i + 32 <= n; i += 32) {
      fetch_ahead(raw + 2 * i, base + 2 * i, 64);
      take_32(wide, raw + 2 * i, base + 2 * i, symbols + i, magnitudes + 2 * i);
    }
  } else if (shape.width == 4) {
    const Shape32 wide(shape);
    for (; i + 16 <= n; i += 16) {
      fetch_ahead(raw + 4 * i, base + 4 * i, 64);
      take_16(wide, raw + 4 * i, base + 4 * i, symbols + i, magnitudes + 4 * i);
    }
  }
  const size_t at = i * shape.width;
  take_symbols(raw + at, base + at, n - i, shape, symbols + i, magnitudes + at);
}

// The low bits of 32 elements, by fours.
CAIRN_INLINE Pieces low_pieces_16(__m256i symbols, __m512i magnitudes, __m128i above) {
  const __m512i counts = low_bits_16(symbols, above);
  const Pieces twos = join_16(_mm512_and_si512(magnitudes, ones_16(counts)), counts);
  return join_32(twos.bits, twos.counts);
}

CAIRN_INLINE void append_low_16(const uint8_t* symbols, const uint8_t* magnitudes, __m128i above, BitWriter& out) {
  const __m512i evens_first = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
  const __m512i evens = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), odds = _mm512_add_epi64(evens, _mm512_set1_epi64(1));
  const __m512i fours = _mm512_permutexvar_epi32(evens_first, load(symbols)), a = load(magnitudes), b = load(magnitudes + 64);
  append_fours<true>({low_pieces_16(_mm512_castsi512_si256(fours), _mm512_permutex2var_epi64(a, evens, b), above),
                      low_pieces_16(_mm512_extracti64x4_epi64(fours, 1), _mm512_permutex2var_epi64(a, odds, b), above)},
                     out);
}

// Appends 16 elements. Two of them may have up to 60 bits.
CAIRN_INLINE void append_low_32(const uint8_t* symbols, const uint8_t* magnitudes, __m128i above, BitWriter& out) {
  const __m512i counts = low_bits_32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(symbols)), above);
  const __m512i bits = _mm512_and_si512(load(magnitudes), ones_32(counts));
  const Pieces twos = join_32(bits, counts);
  if (_mm512_cmpgt_epu64_mask(twos.counts, _mm512_set1_epi64(56)) == 0) return append_lanes(twos, out);
  append_lanes({_mm512_cvtepu32_epi64(_mm512_castsi512_si256(bits)), _mm512_cvtepu32_epi64(_mm512_castsi512_si256(counts))}, out);
  append_lanes({_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(bits, 1)), _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(counts, 1))}, out);
}

void pack_low_bits_avx512(const uint8_t* symbols, const uint8_t* magnitudes, size_t n, const DifferenceShape& shape, const SymbolBits bits_of[256], BitWriter& to) {
  const __m128i above = _mm_cvtsi32_si128(1 + shape.sub_bits);
  BitWriter out = to;
  size_t i = 0;
  if (shape.width == 2) {
    for (; i + 64 <= n; i += 64) append_low_16(symbols + i, magnitudes + 2 * i, above, out);
  } else if (shape.width == 4) {
    for (; i + 16 <= n; i += 16) append_low_32(symbols + i, magnitudes + 4 * i, above, out);
  }
  to = out;
  pack_low_bits(symbols + i, magnitudes + i * shape.width, n - i, shape, bits_of, to);
}

// Reads the low bits of 32 elements from `position` (in bits) on, which moves on, into lanes of 16 bits. All of them lie in the next 64
// bytes, and those of each four, at most 52 bits, in 8 of these.
CAIRN_INLINE __m512i read_low_16(__m512i low_bits, const uint8_t* bytes, uint64_t& position) {
  const __m512i twos = _mm512_add_epi16(low_bits, _mm512_slli_epi64(low_bits, 16));
  const __m512i sums = _mm512_add_epi16(twos, _mm512_slli_epi64(twos, 32));  // up to each of four, that included
  const __m512i own = _mm512_srli_epi64(sums, 48), ends = sums_64(own);
  const __m512i starts = _mm512_add_epi64(_mm512_sub_epi64(ends, own), _mm512_set1_epi64(static_cast<int64_t>(position & 7)));
  const __m512i first_bytes = _mm512_shuffle_epi8(_mm512_srli_epi64(starts, 3), _mm512_broadcast_i32x4(_mm_set_epi64x(0x0808080808080808, 0)));
  const __m512i eights = _mm512_permutexvar_epi8(_mm512_add_epi8(first_bytes, _mm512_set1_epi64(0x0706050403020100)), load(bytes + (position >> 3)));
  const __m512i bits = _mm512_srlv_epi64(eights, _mm512_and_si512(starts, _mm512_set1_epi64(7)));
  position += static_cast<uint64_t>(_mm_extract_epi64(_mm512_extracti64x2_epi64(ends, 3), 1));
  const __m512i before = _mm512_sub_epi16(sums, low_bits);
  const __m512i where = _mm512_add_epi16(_mm512_or_si512(before, _mm512_slli_epi16(before, 8)), _mm512_set1_epi16(8 << 8));
  return _mm512_and_si512(_mm512_multishift_epi64_epi8(where, bits), ones_16(low_bits));
}

CAIRN_INLINE void restore_32(const Shape16& shape, const uint8_t* base, const uint8_t* symbols, __m128i above, BitsIn& from_low, uint8_t* raw) {
  const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols));
  const __m512i symbol = _mm512_cvtepu8_epi16(narrow), low_bits = low_bits_16(narrow, above);
  const __m512i low = read_low_16(low_bits, from_low.bytes, from_low.position);
  const __m512i number = _mm512_sub_epi16(_mm512_srli_epi16(symbol, 1), _mm512_sll_epi16(low_bits, shape.sub_bits));
  const __m512i magnitude = _mm512_sll_epi16(_mm512_add_epi16(_mm512_sllv_epi16(number, low_bits), low), shape.trailing);
  const __m512i from = _mm512_and_si512(load(base), shape.kept);
  const __mmask32 down = _mm512_movepi16_mask(_mm512_xor_si512(from, _mm512_slli_epi16(symbol, 15)));
  const __m512i moved = _mm512_mask_sub_epi16(_mm512_add_epi16(shape.to_ordered(from), magnitude), down, shape.to_ordered(from), magnitude);
  store(raw, shape.from_ordered(moved));
}

// Low bits of a run of 32-bit elements: two of them may have 60 bits, and a load has 57 for certain.
CAIRN_INLINE void read_low_32(const uint8_t* symbols, const SymbolBits bits_of[256], const uint8_t* bytes, uint64_t& position, uint32_t* low) {
  uint64_t at = position;
#pragma GCC unroll 4
  for (size_t i = 0; i < run; ++i) {
    const unsigned low_bits = low_bits_of(bits_of[symbols[i]]);
    low[i] = static_cast<uint32_t>(_bzhi_u64(bits_at(bytes, at), low_bits));
    at += low_bits;
  }
  position = at;
}

CAIRN_INLINE void restore_16(const Shape32& shape, const uint8_t* base, const uint8_t* symbols, __m128i above, const void* low, uint8_t* raw) {
  const __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(symbols));
  const __m512i symbol = _mm512_cvtepu8_epi32(narrow), low_bits = low_bits_32(narrow, above);
  const __m512i number = _mm512_sub_epi32(_mm512_srli_epi32(symbol, 1), _mm512_sll_epi32(low_bits, shape.sub_bits));
  const __m512i magnitude = _mm512_sll_epi32(_mm512_add_epi32(_mm512_sllv_epi32(number, low_bits), load(low)), shape.trailing);
  const __m512i from = _mm512_and_si512(load(base), shape.kept);
  const __mmask16 down = _mm512_movepi32_mask(_mm512_xor_si512(from, _mm512_slli_epi32(symbol, 31)));
  const __m512i moved = _mm512_mask_sub_epi32(_mm512_add_epi32(shape.to_ordered(from), magnitude), down, shape.to_ordered(from), magnitude);
  store(raw, shape.from_ordered(moved));
}

void restore_symbols_avx512(const uint8_t* base, const uint8_t* symbols, size_t n, const DifferenceShape& shape, const SymbolBits bits_of[256], BitsIn& low, uint8_t* raw) {
  constexpr size_t most_bytes = run * 4 + 8;  // that a run takes and its loads look at
  const __m128i above = _mm_cvtsi32_si128(1 + shape.sub_bits);
  const auto is_inside = [&] { return (low.position >> 3) + most_bytes <= low.length; };
  size_t i = 0;
  if (shape.width == 2) {
    const Shape16 wide(shape);
    for (; i + run <= n && is_inside(); i += run) {
      for (size_t j = i; j < i + run; j += 32) {
        fetch_ahead(base + 2 * j, raw + 2 * j, 64);
        restore_32(wide, base + 2 * j, symbols + j, above, low, raw + 2 * j);
      }
    }
  } else if (shape.width == 4) {
    const Shape32 wide(shape);
    for (; i + run <= n && is_inside(); i += run) {
      alignas(64) uint32_t bits[run];
      fetch_ahead(base + 4 * i, raw + 4 * i, 4 * run);
      read_low_32(symbols + i, bits_of, low.bytes, low.position, bits);
      for (size_t j = 0; j < run; j += 16) restore_16(wide, base + 4 * (i + j), symbols + i + j, above, bits + j, raw + 4 * (i + j));
    }
  }
  restore_symbols(base + i * shape.width, symbols + i, n - i, shape, bits_of, low, raw + i * shape.width);
}

// ---- codes

// Two streams in turn, because each piece waits for the one before it.
void append_part_avx512(const uint8_t* symbols, size_t n, const uint16_t entries[256], BitWriter streams[part_streams]) {
  const WideTable table = WideTable::of(entries);
  for (unsigned s = 0; s < part_streams; s += 2) {
    const Share one(n, s), two(n, s + 1);  // which is not longer
    BitWriter first = streams[s], second = streams[s + 1];
    size_t i = 0;
    for (; i + 64 <= two.size; i += 64) {
      append_fours<false>(join_fours(table.look_up(load_in_fours(symbols + one.begin + i))), first);
      append_fours<false>(join_fours(table.look_up(load_in_fours(symbols + two.begin + i))), second);
    }
    append_codes(symbols + one.begin + i, one.size - i, entries, first);
    append_codes(symbols + two.begin + i, two.size - i, entries, second);
    streams[s] = first;
    streams[s + 1] = second;
  }
}

void decode_part_avx512(const uint8_t* bytes, size_t length, uint64_t positions[part_streams], const PrefixCode& code, uint8_t* symbols, size_t n) {
  decode_part_by({bytes, length, symbols, n}, positions, code, 8192, make_groups_by_16<longest_difference_code>);
}

}  // namespace

void add_avx512_conditioned(Kernels& table) {
  add_part_kernels(table);
  table.find_parts = find_parts_avx512;
  table.part_symbols = part_symbols_avx512;
  table.place_symbols = place_symbols_avx512;
  table.take_symbols = take_symbols_avx512;
  table.pack_low_bits = pack_low_bits_avx512;
  table.restore_symbols = restore_symbols_avx512;
  table.append_part = append_part_avx512;
  table.decode_part = decode_part_avx512;
}

}  // namespace cairn
