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

// `aligned` is for what is left of a stream, see fill_encode_table.
template <class Table>
uint8_t* encode_stream(const uint8_t* symbols, size_t n, const Table& table, const uint64_t aligned[256], uint8_t* out) {
  BitWriter to(out);
  size_t i = 0;
  for (; i + batch <= n; i += batch) append_fours<true>(join_fours(table.look_up(load_in_fours(symbols + i))), to);
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
  if (code.last - code.first < 64) return encode_with(symbols, n, NarrowTable(entries, code.first), aligned, out, sizes);
  return encode_with(symbols, n, WideTable::of(entries), aligned, out, sizes);
}

// ---- decoding

struct GroupsBy16 {
  static constexpr size_t fewest_symbols = 8192;
  template <unsigned index_bits>
  static void groups(const uint16_t* symbols, Group* to) { make_groups_by_16<index_bits>(symbols, to); }
};

bool decode_streams(const CodedStreams& coded, const PrefixCode& code) { return decode_streams_by<GroupsBy16>(coded, code); }

}  // namespace

void add_avx512_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams;
}

}  // namespace cairn
