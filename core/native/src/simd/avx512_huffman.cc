// Huffman streams with AVX-512 (VBMI). Encoding looks codes and lengths of 64 symbols up by permutations of tables that lie in
// registers, then joins codes by twos, fours, eights and sixteens in lanes of 64 bits, so that only every sixteenth symbol pays for
// bookkeeping. Decoding is the portable loops, over a table of groups that is made sixteen entries at a time. No inline library templates
// here, see binding.gyp.
#include "simd/avx512_codes.h"
#include "simd/avx512_groups.h"
#include "simd/huffman_decoding.h"
#include "simd/huffman_encoding.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t batch = 64;

// Where the symbols span at most 64, one register of each byte of their entries does; both start with `first`.
struct NarrowTable {
  __m512i low, high, first;

  CAIRN_INLINE NarrowTable(const PrefixCode& code, const uint16_t entries[256]) : first(_mm512_set1_epi8(static_cast<char>(code.first))) {
    alignas(64) uint8_t lows[64] = {}, highs[64] = {};
    for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
      lows[symbol - code.first] = static_cast<uint8_t>(entries[symbol]);
      highs[symbol - code.first] = static_cast<uint8_t>(entries[symbol] >> 8);
    }
    low = load(lows);
    high = load(highs);
  }
};

// Bytes of the entries of 64 symbols, loaded for unpacking.
struct EntryBytes {
  __m512i low, high;
};

CAIRN_INLINE EntryBytes look_up(const NarrowTable& table, __m512i symbols) {
  const __m512i indices = _mm512_sub_epi8(symbols, table.first);
  return {_mm512_permutexvar_epi8(indices, table.low), _mm512_permutexvar_epi8(indices, table.high)};
}

CAIRN_INLINE EntryBytes look_up(const CodeTable& table, __m512i symbols) { return {table.low.look_up(symbols), table.high.look_up(symbols)}; }

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

CAIRN_INLINE void append_entries(const EntryBytes& entries, BitWriter& out) {
  const Pieces front = code_pieces(_mm512_unpacklo_epi8(entries.low, entries.high));
  const Pieces back = code_pieces(_mm512_unpackhi_epi8(entries.low, entries.high));
  const Pieces eights = join_neighbours(front, back);
  const Pieces sixteens = join_neighbours(eights, eights);
  if (fits(sixteens, 0x0f)) return append_lanes<4>(sixteens, out);
  if (fits(eights, 0xff)) return append_lanes(eights, out);
  append_lanes(front, out);
  append_lanes(back, out);
}

// `aligned` is for what is left of a stream, see fill_encode_table.
template <class Table>
uint8_t* encode_stream(const uint8_t* symbols, size_t n, const Table& table, const uint64_t aligned[256], uint8_t* out) {
  BitWriter to(out);
  size_t i = 0;
  for (; i + batch <= n; i += batch) append_entries(look_up(table, load_for_unpacking(symbols + i)), to);
  append_symbols(symbols + i, n - i, aligned, to);
  return to.finish();
}

template <class Table>
size_t encode_with(const uint8_t* symbols, size_t n, const Table& table, const uint64_t aligned[256], uint8_t* out, size_t sizes[8]) {
  return encode_each_stream(symbols, n, out, sizes, [&](const uint8_t* from, size_t count, uint8_t* at) { return encode_stream(from, count, table, aligned, at); });
}

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  uint16_t entries[256];
  assign_codes(code, entries);
  for (unsigned symbol = 0; symbol < 256; ++symbol) entries[symbol] = static_cast<uint16_t>(entries[symbol] | code.lengths[symbol] << entry_length_shift);
  uint64_t aligned[256];
  fill_encode_table(code, aligned);
  if (code.last - code.first < 64) return encode_with(symbols, n, NarrowTable(code, entries), aligned, out, sizes);
  return encode_with(symbols, n, CodeTable::of(entries), aligned, out, sizes);
}

// ---- decoding

bool decode_streams(const CodedStreams& coded, const PrefixCode& code) { return decode_streams_by(coded, code, 8192, make_groups_by_16<max_code_bits>); }

}  // namespace

void add_avx512_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams;
}

}  // namespace cairn
