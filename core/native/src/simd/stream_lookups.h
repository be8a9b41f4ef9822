// Reading streams of Huffman codes, in portable code. Included by each instruction set's files, in whose unnamed namespace
// everything lands, so that each gets its own copy with its own compiler flags.
//
// Follows the multi-symbol tables that DESIGN measured: a look-up takes 12 bits and gives up to six symbols.
#pragma once

#include "codecs/huffman.h"
#include "simd/low_bits.h"

namespace cairn {
namespace {

// One stream while it is decoded.
struct Cursor {
  const uint8_t* in;
  unsigned skipped;  // bits of *in that are consumed, below 8
  uint8_t* out;
  const uint8_t* in_end;
  uint8_t* out_end;
};

// A round is as many look-ups as one load of 64 bits is certain to serve. This many rounds are safe whatever the bits are: they
// read and write only inside the stream.
template <class Lookup>
CAIRN_INLINE size_t safe_rounds(const Cursor& cursor) {
  const size_t in_left = static_cast<size_t>(cursor.in_end - cursor.in);
  const size_t out_left = static_cast<size_t>(cursor.out_end - cursor.out);
  const size_t by_in = in_left < 8 ? 0 : (in_left - 8) / 7 + 1;
  const size_t by_out = out_left < Lookup::excess ? 0 : (out_left - Lookup::excess) / (Lookup::steps * Lookup::most_symbols);
  return by_in < by_out ? by_in : by_out;
}

// What compilers may not know of a table and its index: that whoever uses them comes after the table was filled, and that the number
// of bits is a constant, of which they would make a mask.
template <class Entry>
CAIRN_INLINE void hide(const Entry*& table, uint64_t& index_bits) { asm volatile("" : "+r"(table), "+r"(index_bits) : : "memory"); }

// `most_bits` is what no code is longer than; index_bits may be fewer where these have no longer ones.
template <unsigned most_bits>
struct SymbolLookup {
  const uint16_t* table;  // as fill_symbol_table makes it
  uint64_t index_bits;
  static constexpr size_t steps = 56 / most_bits, most_symbols = 1, excess = 0;

  CAIRN_INLINE void step(uint64_t& bits, uint8_t*& out) const {
    const unsigned entry = table[keep_low(bits, index_bits)];
    bits >>= entry & 63;
    *out++ = static_cast<uint8_t>(entry >> 8);
  }
};

// The symbols whose codes are whole among the bits of an index, at most six; one load of 64 bits.
struct Group {
  uint8_t symbols[6];
  uint8_t bits;  // of all their codes
  uint8_t count;
};

// Loaded apart from the group itself, so that nothing but that and a shift lies between one look-up of a stream and its next.
CAIRN_INLINE uint64_t bits_of_group(const Group* groups, uint64_t index) {
#if defined(__x86_64__)
  // Compilers would compute the group's address first, or load into a mask register.
  uint64_t bits;
  asm("movzbl 6(%1,%2,8), %k0" : "=r"(bits) : "r"(groups), "r"(index));
  return bits;
#else
  return groups[index].bits;
#endif
}

template <unsigned index_bits_used>
struct GroupLookup {
  const Group* groups;
  uint64_t index_bits = index_bits_used;
  static constexpr size_t steps = 56 / index_bits_used, most_symbols = 6, excess = 2;

  CAIRN_INLINE explicit GroupLookup(const Group* table) : groups(table) { hide(groups, index_bits); }

  CAIRN_INLINE void step(uint64_t& bits, uint8_t*& out) const {
    const uint64_t index = keep_low(bits, index_bits);
    bits >>= bits_of_group(groups, index);
    uint64_t group;
    std::memcpy(&group, groups + index, sizeof group);
    store_u64(out, group);
    out += group >> 56;
  }
};

// ---- tables of groups

// On the way to groups, one or two symbols: their bytes | bits of all << 16 | bits of the first << 24 | their number << 28.
using Pair = uint32_t;
CAIRN_INLINE unsigned bits_of(Pair pair) { return pair >> 16 & 0xff; }
CAIRN_INLINE unsigned first_bits_of(Pair pair) { return pair >> 24 & 15; }
CAIRN_INLINE unsigned count_of(Pair pair) { return pair >> 28; }
constexpr unsigned number_shift = 28;

// Behind each entry's symbol the next one, where its code is whole too. `symbols` as fill_symbol_table makes them for as many bits.
void fill_pairs(const uint16_t* symbols, unsigned index_bits, Pair* pairs) {
  for (uint32_t i = 0; i < 1u << index_bits; ++i) {
    const uint32_t head = symbols[i], bits = head & 0xff, tail = symbols[i >> bits], more = tail & 0xff;
    const uint32_t single = head >> 8 | bits << 16 | bits << 24 | 1u << number_shift;
    pairs[i] = single + (bits + more <= index_bits ? (tail & 0xff00) | more << 16 | 1u << number_shift : 0);
  }
}

// Behind a pair twice as much as fits of the pair that the rest of its index starts with: both symbols, one or none. Behind less
// than a full pair nothing fits, or it would have been in it.
void fill_groups(const Pair* pairs, unsigned index_bits, Group* groups) {
  for (uint32_t i = 0; i < 1u << index_bits; ++i) {
    const Pair head = pairs[i];
    uint32_t bits = bits_of(head), count = count_of(head);
    uint64_t symbols = head & 0xffff;
    for (unsigned at = 16; at <= 32; at += 16) {
      const Pair tail = pairs[i >> bits];
      const uint32_t room = index_bits - bits;
      const bool one = first_bits_of(tail) <= room, all = bits_of(tail) <= room;
      symbols |= uint64_t{all ? tail & 0xffff : one ? tail & 0xff : 0} << at;
      bits += all ? bits_of(tail) : one ? first_bits_of(tail) : 0;
      count += all ? count_of(tail) : one ? 1 : 0;
    }
    const uint64_t group = symbols | uint64_t{bits} << 48 | uint64_t{count} << 56;
    std::memcpy(groups + i, &group, sizeof group);
  }
}

// From a table as fill_symbol_table makes it, of one entry more, to a table of groups for as many bits.
template <unsigned index_bits>
void make_groups(const uint16_t* symbols, Group* groups) {
  Pair pairs[1u << index_bits];
  fill_pairs(symbols, index_bits, pairs);
  fill_groups(pairs, index_bits, groups);
}

// ---- rounds

// The next bits of a stream under a mark in the top bit: however they are consumed, the zeros above the mark count it.
CAIRN_INLINE uint64_t load_marked(const uint8_t* in, unsigned skipped) { return (load_u64(in) | uint64_t{1} << 63) >> skipped; }

// Asks for what is wanted, a few lines a round, evenly over so many rounds.
class FetchWanted {
 public:
  CAIRN_INLINE FetchWanted(const Wanted& wanted, size_t rounds) {
    for (unsigned r = 0; r < 2; ++r) {
      at_[r] = wanted.ranges[r].at;
      end_[r] = at_[r] + wanted.ranges[r].length;
      lines_[r] = wanted.ranges[r].length / line / (rounds + 1) + 1;
    }
  }

  CAIRN_INLINE void next() {
    for (unsigned r = 0; r < 2; ++r) {
      for (size_t i = 0; i < lines_[r] && at_[r] < end_[r]; ++i, at_[r] += line) __builtin_prefetch(at_[r], 1);
    }
  }

 private:
  static constexpr size_t line = 64;
  const uint8_t* at_[2];
  const uint8_t* end_[2];
  size_t lines_[2];
};

struct FetchNothing {
  CAIRN_INLINE void next() {}
};

// Rounds of `together` streams at once, as long as they are safe for all of them.
template <unsigned together, class Lookup, class Fetch>
[[gnu::noinline]] void decode_rounds(Cursor* cursors, const Lookup lookup, Fetch fetch) {
  const uint8_t* in[together];
  uint8_t* out[together];
  uint64_t bits[together];
  for (;;) {
    size_t rounds = SIZE_MAX;
    for (unsigned s = 0; s < together; ++s) {
      const size_t safe = safe_rounds<Lookup>(cursors[s]);
      rounds = safe < rounds ? safe : rounds;
    }
    if (rounds == 0) return;
    for (unsigned s = 0; s < together; ++s) {
      in[s] = cursors[s].in;
      out[s] = cursors[s].out;
      bits[s] = load_marked(in[s], cursors[s].skipped);
    }
    for (;;) {
#pragma GCC unroll 5
      for (unsigned step = 0; step < Lookup::steps; ++step) {
#pragma GCC unroll 8
        for (unsigned s = 0; s < together; ++s) lookup.step(bits[s], out[s]);
      }
      fetch.next();
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

}  // namespace
}  // namespace cairn
