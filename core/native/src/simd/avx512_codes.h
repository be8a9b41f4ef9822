// What kernels with AVX-512 share: tables of bytes that lie in registers, and codes of symbols joined in lanes of 64 bits. Included by
// each of their files, in whose unnamed namespace everything lands.
#pragma once

#include <immintrin.h>

#include "codecs/bit_stream.h"
#include "codecs/part_streams.h"

namespace cairn {
namespace {

CAIRN_INLINE __m512i load(const void* from) { return _mm512_loadu_si512(from); }
CAIRN_INLINE void store(void* to, __m512i value) { _mm512_storeu_si512(to, value); }

// 256 bytes to look up in.
struct ByteTable {
  __m512i quarters[4];

  CAIRN_INLINE explicit ByteTable(const uint8_t bytes[256]) : quarters{load(bytes), load(bytes + 64), load(bytes + 128), load(bytes + 192)} {}

  CAIRN_INLINE __m512i look_up(__m512i indices) const {
    const __m512i low = _mm512_permutex2var_epi8(quarters[0], indices, quarters[1]);
    const __m512i high = _mm512_permutex2var_epi8(quarters[2], indices, quarters[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(indices), low, high);
  }
};

// How 64 symbols are ordered for joining their codes: fours of them reversed, and each quarter's second and third exchanged, so that
// unpacking bytes to 16 bits gives the first and third four of each quarter, then the others.
CAIRN_INLINE __m512i load_in_fours(const uint8_t* symbols) {
  const __m128i order = _mm_setr_epi8(3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 5, 4, 15, 14, 13, 12);
  return _mm512_shuffle_epi8(load(symbols), _mm512_broadcast_i32x4(order));
}

// The codes of 64 symbols in that order, 16 bits each: the first of two (which comes second) left-aligned, the other right-aligned.
struct Codes {
  __m512i front, back;  // of the even fours, of the odd ones
  __m512i lengths;      // 64 bytes
};
constexpr uint64_t left_aligned = 0xaaaaaaaaaaaaaaaa;  // of 64 bytes

// Codes of symbols that span at most 64, in registers by the symbol's distance from `first`.
struct NarrowTable {
  __m512i first, lengths, low[2], high[2];  // right-aligned, and left-aligned

  // Requires: entries (part_streams.h) are 0 but for symbols first .. first + 63.
  CAIRN_INLINE NarrowTable(const uint16_t entries[256], unsigned start) : first(_mm512_set1_epi8(static_cast<char>(start))) {
    alignas(64) uint8_t bytes[5][64] = {};
    for (unsigned i = 0; i < 64 && start + i < 256; ++i) {
      const unsigned entry = entries[start + i], length = entry >> entry_length_shift, code = entry & ((1u << entry_length_shift) - 1);
      const unsigned left = code << (16 - length);
      bytes[0][i] = static_cast<uint8_t>(length);
      bytes[1][i] = static_cast<uint8_t>(code);
      bytes[2][i] = static_cast<uint8_t>(left);
      bytes[3][i] = static_cast<uint8_t>(code >> 8);
      bytes[4][i] = static_cast<uint8_t>(left >> 8);
    }
    lengths = load(bytes[0]);
    for (unsigned left = 0; left < 2; ++left) {
      low[left] = load(bytes[1 + left]);
      high[left] = load(bytes[3 + left]);
    }
  }

  CAIRN_INLINE Codes look_up(__m512i symbols) const {
    const __m512i indices = _mm512_sub_epi8(symbols, first);
    const __m512i lows = _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(indices, low[0]), left_aligned, indices, low[1]);
    const __m512i highs = _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(indices, high[0]), left_aligned, indices, high[1]);
    return {_mm512_unpacklo_epi8(lows, highs), _mm512_unpackhi_epi8(lows, highs), _mm512_permutexvar_epi8(indices, lengths)};
  }
};

// Codes of any symbols: the low and high bytes of their entries apart.
struct WideTable {
  ByteTable low, high;

  CAIRN_INLINE static WideTable of(const uint16_t entries[256]) {
    alignas(64) uint8_t low[256], high[256];
    for (unsigned i = 0; i < 256; ++i) {
      low[i] = static_cast<uint8_t>(entries[i]);
      high[i] = static_cast<uint8_t>(entries[i] >> 8);
    }
    return {ByteTable(low), ByteTable(high)};
  }

  CAIRN_INLINE Codes look_up(__m512i symbols) const {
    const __m512i nibble = _mm512_set1_epi8(15), zero = _mm512_setzero_si512();
    const __m512i lows = low.look_up(symbols), entry_highs = high.look_up(symbols), highs = _mm512_and_si512(entry_highs, nibble);
    const __m512i lengths = _mm512_and_si512(_mm512_srli_epi16(entry_highs, entry_length_shift - 8), nibble);
    const __m512i shifts = _mm512_maskz_sub_epi8(left_aligned, _mm512_set1_epi8(16), lengths);
    return {_mm512_sllv_epi16(_mm512_unpacklo_epi8(lows, highs), _mm512_unpacklo_epi8(shifts, zero)),
            _mm512_sllv_epi16(_mm512_unpackhi_epi8(lows, highs), _mm512_unpackhi_epi8(shifts, zero)), lengths};
  }
};

// Bits joined, one piece a lane, and how many each has.
struct Pieces {
  __m512i bits, counts;
};

// The lower number of each pair of lanes and, behind its bits, the upper one.
CAIRN_INLINE Pieces join_16(__m512i bits, __m512i counts) {
  const __m512i half = _mm512_set1_epi32(0xffff), first = _mm512_and_si512(counts, half);
  return {_mm512_or_si512(_mm512_and_si512(bits, half), _mm512_sllv_epi32(_mm512_srli_epi32(bits, 16), first)),
          _mm512_add_epi32(first, _mm512_srli_epi32(counts, 16))};
}

CAIRN_INLINE Pieces join_32(__m512i bits, __m512i counts) {
  const __m512i half = _mm512_set1_epi64(0xffffffff), first = _mm512_and_si512(counts, half);
  return {_mm512_or_si512(_mm512_and_si512(bits, half), _mm512_sllv_epi64(_mm512_srli_epi64(bits, 32), first)),
          _mm512_add_epi64(first, _mm512_srli_epi64(counts, 32))};
}

// Sixteen pieces of four symbols each: the even ones of them, and the odd ones.
struct Fours {
  Pieces even, odd;
};

// Codes that meet at the ends of a lane become one piece by a rotation: in lanes of 32 bits the first of two, left-aligned in the upper
// half, comes below the second by going around; the first pair of a four stays up instead, to meet the other pair in the same way.
CAIRN_INLINE Fours join_fours(const Codes& codes) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i turns = _mm512_maddubs_epi16(codes.lengths, _mm512_set1_epi32(0x00ff0100));  // by the first's length; down by the second's
  const __m512i pairs = _mm512_maddubs_epi16(codes.lengths, _mm512_set1_epi8(1));
  const __m512i firsts = _mm512_srli_epi32(pairs, 16), counts = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
  const __m512i even = _mm512_rolv_epi32(codes.front, _mm512_unpacklo_epi16(turns, turns));
  const __m512i odd = _mm512_rolv_epi32(codes.back, _mm512_unpackhi_epi16(turns, turns));
  return {{_mm512_rolv_epi64(even, _mm512_unpacklo_epi32(firsts, firsts)), _mm512_unpacklo_epi32(counts, zero)},
          {_mm512_rolv_epi64(odd, _mm512_unpackhi_epi32(firsts, firsts)), _mm512_unpackhi_epi32(counts, zero)}};
}

// Each piece and, behind its bits, another. Where a result has more than 64 bits, what is above is lost.
CAIRN_INLINE Pieces join(const Pieces& pieces, const Pieces& more) {
  return {_mm512_or_si512(pieces.bits, _mm512_sllv_epi64(more.bits, pieces.counts)), _mm512_add_epi64(pieces.counts, more.counts)};
}

// Neighbours joined, in the even lanes.
CAIRN_INLINE Pieces join_neighbours(const Pieces& pieces) {
  return join(pieces, {_mm512_unpackhi_epi64(pieces.bits, pieces.bits), _mm512_unpackhi_epi64(pieces.counts, pieces.counts)});
}

// A writer takes at most 56 bits at once.
CAIRN_INLINE bool fits(const Pieces& pieces, __mmask8 lanes = 0xff) {
  return _mm512_mask_cmpgt_epu64_mask(lanes, pieces.counts, _mm512_set1_epi64(56)) == 0;
}

// Appends the pieces of every lane, or of every second one. Requires: they fit.
template <unsigned step = 1>
CAIRN_INLINE void append_lanes(const Pieces& pieces, BitWriter& out) {
  alignas(64) uint64_t bits[8], counts[8];
  _mm512_store_si512(bits, pieces.bits);
  _mm512_store_si512(counts, pieces.counts);
#pragma GCC unroll 8
  for (unsigned lane = 0; lane < 8; lane += step) out.put(bits[lane], static_cast<unsigned>(counts[lane]));
}

// Appends all fours in order: by sixteen symbols at once where that may be and they fit, or by eight, or one by one.
template <bool by_sixteen>
CAIRN_INLINE void append_fours(const Fours& fours, BitWriter& out) {
  const Pieces eights = join(fours.even, fours.odd);
  if (by_sixteen) {
    const Pieces sixteens = join_neighbours(eights);
    if (fits(sixteens, 0x55)) return append_lanes<2>(sixteens, out);
  }
  if (fits(eights)) return append_lanes(eights, out);
  const __m512i front = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), back = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  const __m512i halves[2] = {front, back};
  for (const __m512i& half : halves) {
    append_lanes({_mm512_permutex2var_epi64(fours.even.bits, half, fours.odd.bits), _mm512_permutex2var_epi64(fours.even.counts, half, fours.odd.counts)}, out);
  }
}

}  // namespace
}  // namespace cairn
