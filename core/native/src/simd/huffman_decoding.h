// Decoding Huffman streams, in portable code. Included once by each instruction set's file, see stream_lookups.h.
#pragma once

#include "simd/stream_lookups.h"

namespace cairn {
namespace {

// What the rounds leave, symbol by symbol. False where the stream doesn't end with the last symbol.
bool decode_rest(Cursor& cursor, const uint16_t* symbols, unsigned index_bits) {
  BitReader in(cursor.in, cursor.in_end, cursor.skipped);
  while (cursor.out < cursor.out_end) {
    in.refill();
    for (unsigned i = 0; i < 4 && cursor.out < cursor.out_end; ++i) {
      const unsigned entry = symbols[in.peek(index_bits)];
      in.consume(entry & 0xff);
      *cursor.out++ = static_cast<uint8_t>(entry >> 8);
    }
    if (in.overrun()) return false;
  }
  return in.finished();
}

Cursor cursor_of(const CodedStreams& coded, const StreamLayout& layout, unsigned stream) {
  uint8_t* const out = coded.symbols + layout.begin(stream, coded.n);
  return {coded.bounds[stream], 0, out, coded.bounds[stream + 1], out + layout.size(stream, coded.n)};
}

template <class Lookup, class Fetch>
bool decode_all(const CodedStreams& coded, const Lookup& lookup, const Fetch& fetch, const uint16_t* symbols, unsigned index_bits) {
  const StreamLayout layout(coded.n);
  Cursor cursors[most_streams];
  for (unsigned s = 0; s < layout.streams; ++s) cursors[s] = cursor_of(coded, layout, s);
  if (layout.streams == most_streams) decode_rounds<most_streams>(cursors, lookup, fetch);
  for (unsigned s = 0; s < layout.streams; ++s) {
    decode_rounds<1>(cursors + s, lookup, FetchNothing());
    if (!decode_rest(cursors[s], symbols, index_bits)) return false;
  }
  return true;
}

// Where filling the table of groups takes less than looking up symbol by symbol. Groups of long codes are small.
bool groups_pay(const CodedStreams& coded, size_t fewest) {
  const StreamLayout layout(coded.n);
  const size_t bytes = static_cast<size_t>(coded.bounds[layout.streams] - coded.bounds[0]);
  return coded.n >= fewest && bytes < coded.n / 4 * 3;
}

// Decodes with a table of groups, which Make::groups fills from that of symbols.
template <class Make, unsigned index_bits>
bool decode_by_groups(const CodedStreams& coded, const uint16_t* symbols) {
  alignas(64) Group groups[1u << index_bits];
  Make::template groups<index_bits>(symbols, groups);
  const auto bits = static_cast<size_t>(coded.bounds[most_streams] - coded.bounds[0]) * 8;
  const FetchWanted fetch(coded.wanted, bits / (most_streams * GroupLookup<index_bits>::steps * (index_bits - 1)));
  return decode_all(coded, GroupLookup<index_bits>(groups), fetch, symbols, index_bits);
}

// As Kernels::decode_streams. Making groups pays from Make::fewest_symbols on.
template <class Make>
CAIRN_INLINE bool decode_streams_by(const CodedStreams& coded, const PrefixCode& code) {
  const bool by_groups = groups_pay(coded, Make::fewest_symbols);
  const unsigned longest = longest_code(code);
  const unsigned index_bits = !by_groups ? longest : longest <= short_code_bits ? short_code_bits : max_code_bits;
  uint16_t symbols[(1u << max_code_bits) + 1];
  fill_symbol_table(code, index_bits, symbols);
  if (!by_groups) return decode_all(coded, SymbolLookup<max_code_bits>{symbols, index_bits}, FetchNothing(), symbols, index_bits);
  return index_bits == short_code_bits ? decode_by_groups<Make, short_code_bits>(coded, symbols) : decode_by_groups<Make, max_code_bits>(coded, symbols);
}

struct PortableGroups {
  static constexpr size_t fewest_symbols = 16384;
  template <unsigned index_bits>
  static void groups(const uint16_t* symbols, Group* to) { make_groups<index_bits>(symbols, to); }
};

bool decode_streams_portable(const CodedStreams& coded, const PrefixCode& code) { return decode_streams_by<PortableGroups>(coded, code); }

}  // namespace
}  // namespace cairn
