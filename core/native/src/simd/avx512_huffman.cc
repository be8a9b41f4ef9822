// Huffman streams with AVX-512 (VBMI). Encoding looks codes and lengths of 64 symbols up by permutations of tables that lie in
// registers, then joins codes by twos, fours, eights and sixteens in lanes of 64 bits, so that only every sixteenth symbol pays for
// bookkeeping. Decoding is the portable loops. No inline library templates here, see binding.gyp.
#include <immintrin.h>

#include "simd/huffman_streams.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t batch = 64;

// Tables of bytes by symbol; an entry is a code's bits | its length << 12, taken apart in low and high bytes.
struct CodeTables {
  __m512i low[4], high[4];
  uint64_t aligned[256];  // for what is left of a stream, see fill_encode_table
  unsigned first;
  bool narrow;  // a span of at most 64 symbols: low[0] and high[0] start with `first`

  explicit CodeTables(const PrefixCode& code) : first(code.first), narrow(code.last - code.first < 64) {
    uint16_t bits[256];
    assign_codes(code, bits);
    alignas(64) uint8_t lows[256 + 64] = {}, highs[256 + 64] = {};
    for (unsigned symbol = 0; symbol < 256; ++symbol) {
      const unsigned entry = bits[symbol] | code.lengths[symbol] << 12;
      lows[symbol] = static_cast<uint8_t>(entry);
      highs[symbol] = static_cast<uint8_t>(entry >> 8);
    }
    const unsigned start = narrow ? first : 0;
    for (unsigned quarter = 0; quarter < (narrow ? 1 : 4); ++quarter) {
      low[quarter] = _mm512_loadu_si512(lows + start + 64 * quarter);
      high[quarter] = _mm512_loadu_si512(highs + start + 64 * quarter);
    }
    fill_encode_table(code, aligned);
  }
};

// Entries of 64 symbols, 32 each.
struct Entries {
  __m512i front, back;
};

template <bool narrow>
CAIRN_INLINE __m512i look_up(const __m512i tables[4], __m512i symbols) {
  if (narrow) return _mm512_permutexvar_epi8(symbols, tables[0]);
  const __m512i lower = _mm512_permutex2var_epi8(tables[0], symbols, tables[1]);
  const __m512i upper = _mm512_permutex2var_epi8(tables[2], symbols, tables[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(symbols), lower, upper);
}

template <bool narrow>
CAIRN_INLINE Entries look_up_entries(const uint8_t* symbols, const CodeTables& tables) {
  // Unpacking works within quarters; taken in this order its halves come out in that of the symbols.
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  __m512i indices = _mm512_permutexvar_epi64(order, _mm512_loadu_si512(symbols));
  if (narrow) indices = _mm512_sub_epi8(indices, _mm512_set1_epi8(static_cast<char>(tables.first)));
  const __m512i low = look_up<narrow>(tables.low, indices), high = look_up<narrow>(tables.high, indices);
  return {_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)};
}

// Codes joined, one a lane of 64 bits, and how many bits each has.
struct Pieces {
  __m512i bits;
  __m512i counts;
};

// 32 entries to eight pieces of four codes.
CAIRN_INLINE Pieces join_by_four(__m512i entries) {
  const __m512i code = _mm512_set1_epi32(0xfff), length = _mm512_set1_epi32(0xf), low_half = _mm512_set1_epi64(0xffffffff);
  const __m512i even_length = _mm512_and_si512(_mm512_srli_epi32(entries, 12), length);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(entries, 16), code);
  const __m512i twos = _mm512_or_si512(_mm512_and_si512(entries, code), _mm512_sllv_epi32(odd, even_length));
  const __m512i two_lengths = _mm512_add_epi32(even_length, _mm512_srli_epi32(entries, 28));
  const __m512i shift = _mm512_and_si512(two_lengths, low_half);
  return {_mm512_or_si512(_mm512_and_si512(twos, low_half), _mm512_sllv_epi64(_mm512_srli_epi64(twos, 32), shift)),
          _mm512_add_epi64(shift, _mm512_srli_epi64(two_lengths, 32))};
}

// Joins neighbours: of sixteen pieces in two registers to eight. Where a result has more than 64 bits, what is above is lost.
CAIRN_INLINE Pieces join_neighbours(const Pieces& a, const Pieces& b) {
  const __m512i evens = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), odds = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
  const __m512i counts = _mm512_permutex2var_epi64(a.counts, evens, b.counts);
  const __m512i later = _mm512_sllv_epi64(_mm512_permutex2var_epi64(a.bits, odds, b.bits), counts);
  return {_mm512_or_si512(_mm512_permutex2var_epi64(a.bits, evens, b.bits), later),
          _mm512_add_epi64(counts, _mm512_permutex2var_epi64(a.counts, odds, b.counts))};
}

// A sink takes at most 56 bits at once.
CAIRN_INLINE bool fits(const Pieces& pieces, __mmask8 lanes) {
  return _mm512_mask_cmpgt_epu64_mask(lanes, pieces.counts, _mm512_set1_epi64(56)) == 0;
}

template <unsigned lanes>
CAIRN_INLINE void append_lanes(const Pieces& pieces, BitSink& sink) {
  alignas(64) uint64_t bits[8], counts[8];
  _mm512_store_si512(bits, pieces.bits);
  _mm512_store_si512(counts, pieces.counts);
#pragma GCC unroll 8
  for (unsigned lane = 0; lane < lanes; ++lane) sink.append(bits[lane], static_cast<unsigned>(counts[lane]));
}

CAIRN_INLINE void append_entries(const Entries& entries, BitSink& sink) {
  const Pieces front = join_by_four(entries.front), back = join_by_four(entries.back);
  const Pieces eights = join_neighbours(front, back);
  const Pieces sixteens = join_neighbours(eights, eights);
  if (fits(sixteens, 0x0f)) return append_lanes<4>(sixteens, sink);
  if (fits(eights, 0xff)) return append_lanes<8>(eights, sink);
  append_lanes<8>(front, sink);
  append_lanes<8>(back, sink);
}

template <bool narrow>
uint8_t* encode_stream(const uint8_t* symbols, size_t n, const CodeTables& tables, uint8_t* out) {
  BitSink sink{out};
  size_t i = 0;
  for (; i + batch <= n; i += batch) append_entries(look_up_entries<narrow>(symbols + i, tables), sink);
  append_symbols(symbols + i, n - i, tables.aligned, sink);
  return sink.finish();
}

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  const CodeTables tables(code);
  const StreamLayout layout(n);
  uint8_t* at = out;
  const auto encode = tables.narrow ? encode_stream<true> : encode_stream<false>;
  for (unsigned s = 0; s < layout.streams; ++s) {
    uint8_t* const end = encode(symbols + layout.begin(s, n), layout.size(s, n), tables, at);
    sizes[s] = static_cast<size_t>(end - at);
    at = end;
  }
  return static_cast<size_t>(at - out);
}

}  // namespace

void add_avx512_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams_portable;
}

}  // namespace cairn
