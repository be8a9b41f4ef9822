// The loops of Huffman streams, in portable code. Included once by each instruction set's file, in whose unnamed
// namespace everything lands, so that each gets its own copy with its own compiler flags.
//
// Decoding follows the multi-symbol tables that DESIGN measured: a look-up takes 12 bits and gives up to four symbols.
#pragma once

#include "codecs/huffman.h"

namespace cairn {
namespace {

CAIRN_INLINE void store_u32(uint8_t* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }

// ---- encoding

// Entries for `join_four`: the length of a code, and the code left-aligned in the 64 bits, so that putting a code behind others is a
// shift to the right by the low six bits of its entry and an OR.
void fill_encode_table(const PrefixCode& code, uint64_t entries[256]) {
  uint16_t bits[256];
  assign_codes(code, bits);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    const unsigned length = code.lengths[symbol];
    entries[symbol] = length == 0 ? 0 : uint64_t{bits[symbol]} << (64 - length) | length;
  }
}

// Four codes pushed in from the top, then moved down: what lies below them (lengths, older bits) falls out.
struct Piece {
  uint64_t bits;
  unsigned count;
};

CAIRN_INLINE Piece join_four(const uint8_t* symbols, const uint64_t* entries) {
  const uint64_t a = entries[symbols[0]], b = entries[symbols[1]], c = entries[symbols[2]], d = entries[symbols[3]];
  uint64_t bits = a;
  bits = bits >> (b & 63) | b;
  bits = bits >> (c & 63) | c;
  bits = bits >> (d & 63) | d;
  const unsigned count = static_cast<uint8_t>(a + b + c + d);
  return {bits >> (-count & 63), count};  // four codes of a code that is not lone: count from 4 to 48
}

CAIRN_INLINE void append_symbols(const uint8_t* symbols, size_t n, const uint64_t entries[256], BitWriter& out) {
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const Piece piece = join_four(symbols + i, entries);
    out.put(piece.bits, piece.count);
  }
  for (; i < n; ++i) {
    const uint64_t entry = entries[symbols[i]];
    const unsigned length = entry & 63;
    out.put(entry >> (64 - length), length);
  }
}

// Codes each stream of n symbols with `encode`, which takes the symbols, how many, and where to write, and returns the end. The rest as
// Kernels::encode_streams.
template <class Encode>
CAIRN_INLINE size_t encode_each_stream(const uint8_t* symbols, size_t n, uint8_t* out, size_t sizes[8], const Encode& encode) {
  const StreamLayout layout(n);
  uint8_t* at = out;
  for (unsigned s = 0; s < layout.streams; ++s) {
    uint8_t* const end = encode(symbols + layout.begin(s, n), layout.size(s, n), at);
    sizes[s] = static_cast<size_t>(end - at);
    at = end;
  }
  return static_cast<size_t>(at - out);
}

// ---- decoding

constexpr unsigned group_index_bits = max_code_bits;

// Entry of the table of groups: bits of the group | symbols in it << 8 | bits of its first symbol << 16 | symbols << 32.
CAIRN_INLINE unsigned bits_of(uint64_t group) { return static_cast<uint8_t>(group); }
CAIRN_INLINE unsigned count_of(uint64_t group) { return static_cast<uint8_t>(group >> 8); }
CAIRN_INLINE unsigned first_bits_of(uint64_t group) { return static_cast<uint8_t>(group >> 16); }

// A group of one symbol whose code has that many bits; behind `before` others when it is added to them.
CAIRN_INLINE uint64_t group_of(uint64_t bits, uint64_t symbol, unsigned before) { return bits | 1 << 8 | symbol << (32 + 8 * before); }

// Each entry's first symbol, and the second where its code is whole.
void fill_pair_table(const PrefixCode& code, const uint16_t* singles, uint64_t* pairs) {
  uint16_t codes[256];
  assign_codes(code, codes);
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    const unsigned bits = code.lengths[symbol];
    if (bits == 0) continue;
    const unsigned room = group_index_bits - bits;
    const uint64_t first = group_of(bits, symbol, 0) | bits << 16;
    for (unsigned rest = 0; rest < 1u << room; ++rest) {
      const unsigned next = singles[rest], next_bits = next & 0xff;
      pairs[codes[symbol] | rest << bits] = first + (next_bits <= room ? group_of(next_bits, next >> 8, 1) : 0);
    }
  }
}

// Behind a pair as much as fits of the pair that the rest of its index starts with: both symbols, one or none. (Behind a
// single symbol nothing fits, or it would be a pair.)
void fill_group_table(const PrefixCode& code, uint64_t* groups) {
  constexpr unsigned entries = 1u << group_index_bits;
  uint16_t singles[entries];
  uint64_t pairs[entries];
  fill_symbol_table(code, group_index_bits, singles);
  fill_pair_table(code, singles, pairs);
  for (unsigned i = 0; i < entries; ++i) {
    const uint64_t head = pairs[i];
    const unsigned room = group_index_bits - bits_of(head);
    const uint64_t tail = pairs[i >> bits_of(head)];
    uint64_t fitting = first_bits_of(tail) <= room ? group_of(first_bits_of(tail), tail >> 32 & 0xff, 2) : 0;
    fitting = bits_of(tail) <= room ? (tail & 0xffff) | tail >> 32 << 48 : fitting;
    groups[i] = head + fitting;
  }
}

// One stream while it is decoded.
struct Cursor {
  const uint8_t* in;
  unsigned skipped;  // bits of *in that are consumed, below 8
  uint8_t* out;
  const uint8_t* in_end;
  uint8_t* out_end;
};

// A round is four look-ups, from one load of 64 bits: at most 48 bits and, in groups, 16 symbols. This many rounds are
// safe whatever the bits are: they read and write only inside the stream.
CAIRN_INLINE size_t safe_rounds(const Cursor& cursor, unsigned round_symbols) {
  const size_t in_left = static_cast<size_t>(cursor.in_end - cursor.in);
  const size_t out_left = static_cast<size_t>(cursor.out_end - cursor.out);
  const size_t by_in = in_left < 8 ? 0 : (in_left - 8) / 6 + 1;
  const size_t by_out = out_left / round_symbols;
  return by_in < by_out ? by_in : by_out;
}

struct GroupLookup {
  const uint64_t* table;
  static constexpr unsigned round_symbols = 16;
  CAIRN_INLINE void step(uint64_t& bits, uint8_t*& out) const {
    const uint64_t group = table[bits & ((1u << group_index_bits) - 1)];
    bits >>= group & 63;
    store_u32(out, static_cast<uint32_t>(group >> 32));
    out += count_of(group);
  }
};

struct SymbolLookup {
  const uint16_t* table;
  unsigned mask;
  static constexpr unsigned round_symbols = 4;
  CAIRN_INLINE void step(uint64_t& bits, uint8_t*& out) const {
    const unsigned entry = table[bits & mask];
    bits >>= entry & 63;
    *out++ = static_cast<uint8_t>(entry >> 8);
  }
};

// The next bits of a stream under a mark in the top bit: however they are consumed, the zeros above the mark count it.
CAIRN_INLINE uint64_t load_marked(const uint8_t* in, unsigned skipped) { return (load_u64(in) | uint64_t{1} << 63) >> skipped; }

// Rounds of `together` streams at once, as long as they are safe for all of them.
template <unsigned together, class Lookup>
CAIRN_INLINE void decode_rounds(Cursor* cursors, const Lookup& lookup) {
  const uint8_t* in[together];
  uint8_t* out[together];
  uint64_t bits[together];
  for (;;) {
    size_t rounds = SIZE_MAX;
    for (unsigned s = 0; s < together; ++s) {
      const size_t safe = safe_rounds(cursors[s], Lookup::round_symbols);
      rounds = safe < rounds ? safe : rounds;
    }
    if (rounds == 0) return;
    for (unsigned s = 0; s < together; ++s) {
      in[s] = cursors[s].in;
      out[s] = cursors[s].out;
      bits[s] = load_marked(in[s], cursors[s].skipped);
    }
    for (;;) {
#pragma GCC unroll 4
      for (unsigned step = 0; step < 4; ++step) {
#pragma GCC unroll 8
        for (unsigned s = 0; s < together; ++s) lookup.step(bits[s], out[s]);
      }
      if (--rounds == 0) break;
#pragma GCC unroll 8
      for (unsigned s = 0; s < together; ++s) {
        const auto used = static_cast<unsigned>(__builtin_clzll(bits[s]));
        in[s] += used >> 3;
        bits[s] = load_marked(in[s], used & 7);
      }
    }
    for (unsigned s = 0; s < together; ++s) {
      const auto used = static_cast<unsigned>(__builtin_clzll(bits[s]));
      cursors[s].in = in[s] + (used >> 3);
      cursors[s].out = out[s];
      cursors[s].skipped = used & 7;
    }
  }
}

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

template <unsigned together, class Lookup>
bool decode_all(const CodedStreams& coded, const Lookup& lookup, const uint16_t* symbols, unsigned index_bits) {
  const StreamLayout layout(coded.n);
  Cursor cursors[most_streams];
  for (unsigned s = 0; s < layout.streams; ++s) cursors[s] = cursor_of(coded, layout, s);
  if (layout.streams == most_streams) {
    for (unsigned s = 0; s < most_streams; s += together) decode_rounds<together>(cursors + s, lookup);
  }
  for (unsigned s = 0; s < layout.streams; ++s) {
    decode_rounds<1>(cursors + s, lookup);
    if (!decode_rest(cursors[s], symbols, index_bits)) return false;
  }
  return true;
}

// Filling the table of groups takes about as long as decoding 10,000 symbols one by one, and groups of long codes are small.
bool groups_pay(const CodedStreams& coded, const StreamLayout& layout) {
  const size_t bytes = static_cast<size_t>(coded.bounds[layout.streams] - coded.bounds[0]);
  return coded.n >= 32768 && bytes < coded.n / 4 * 3;
}

bool decode_streams_portable(const CodedStreams& coded, const PrefixCode& code) {
  const unsigned index_bits = longest_code(code);
  uint16_t symbols[1u << max_code_bits];
  fill_symbol_table(code, index_bits, symbols);
  if (!groups_pay(coded, StreamLayout(coded.n))) {
    return decode_all<4>(coded, SymbolLookup{symbols, (1u << index_bits) - 1}, symbols, index_bits);
  }
  uint64_t groups[1u << group_index_bits];
  fill_group_table(code, groups);
  return decode_all<4>(coded, GroupLookup{groups}, symbols, index_bits);
}

}  // namespace
}  // namespace cairn
