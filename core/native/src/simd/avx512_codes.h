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

// Entries of 256 symbols (part_streams.h), their low and high bytes apart.
struct CodeTable {
  ByteTable low, high;

  CAIRN_INLINE static CodeTable of(const uint16_t entries[256]) {
    alignas(64) uint8_t low[256], high[256];
    for (unsigned i = 0; i < 256; ++i) {
      low[i] = static_cast<uint8_t>(entries[i]);
      high[i] = static_cast<uint8_t>(entries[i] >> 8);
    }
    return {ByteTable(low), ByteTable(high)};
  }
};

// 64 symbols in the order in which unpacking their entries' bytes gives those of the first 32, then of the others.
CAIRN_INLINE __m512i load_for_unpacking(const uint8_t* symbols) {
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), load(symbols));
}

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

// 32 entries to eight pieces of four codes.
CAIRN_INLINE Pieces code_pieces(__m512i entries) {
  const __m512i code_mask = _mm512_set1_epi16((1 << entry_length_shift) - 1);
  const Pieces twos = join_16(_mm512_and_si512(entries, code_mask), _mm512_srli_epi16(entries, entry_length_shift));
  return join_32(twos.bits, twos.counts);
}

// Appends the pieces of the first lanes, each of at most 56 bits.
template <unsigned lanes = 8>
CAIRN_INLINE void append_lanes(const Pieces& pieces, BitWriter& out) {
  alignas(64) uint64_t bits[8], counts[8];
  _mm512_store_si512(bits, pieces.bits);
  _mm512_store_si512(counts, pieces.counts);
#pragma GCC unroll 8
  for (unsigned lane = 0; lane < lanes; ++lane) out.put(bits[lane], static_cast<unsigned>(counts[lane]));
}

}  // namespace
}  // namespace cairn
