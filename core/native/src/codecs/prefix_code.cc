#include "codecs/prefix_code.h"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

// The symbols in use, rarest first; equal counts by symbol, so that the result is the same everywhere.
struct Leaves {
  unsigned used = 0;
  uint8_t symbols[256];
  uint64_t weights[256];
};

Leaves sort_leaves(const uint32_t counts[256]) {
  uint64_t keys[256];
  Leaves leaves;
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    if (counts[symbol] != 0) keys[leaves.used++] = uint64_t{counts[symbol]} << 8 | symbol;
  }
  std::sort(keys, keys + leaves.used);
  for (unsigned i = 0; i < leaves.used; ++i) {
    leaves.symbols[i] = static_cast<uint8_t>(keys[i]);
    leaves.weights[i] = keys[i] >> 8;
  }
  return leaves;
}

// Huffman's method on sorted weights: inner nodes come out in ascending order, so two queues do. Depths of the leaves go
// to `depths`; returns the greatest.
unsigned huffman_depths(const Leaves& leaves, uint8_t depths[256]) {
  const unsigned used = leaves.used;
  uint64_t inner[256];
  uint16_t parents[512];  // leaves first, then inner nodes
  unsigned leaf = 0, node = 0;
  auto take_lightest = [&](unsigned made) {
    const bool from_leaves = leaf < used && (node == made || leaves.weights[leaf] <= inner[node]);
    return from_leaves ? leaf++ : used + node++;
  };
  auto weight_of = [&](unsigned i) { return i < used ? leaves.weights[i] : inner[i - used]; };
  for (unsigned made = 0; made + 1 < used; ++made) {
    const unsigned left = take_lightest(made), right = take_lightest(made);
    inner[made] = weight_of(left) + weight_of(right);
    parents[left] = parents[right] = static_cast<uint16_t>(used + made);
  }
  uint8_t inner_depths[256];
  inner_depths[used - 2] = 0;
  for (unsigned i = used - 2; i-- > 0;) inner_depths[i] = static_cast<uint8_t>(inner_depths[parents[used + i] - used] + 1);
  unsigned greatest = 0;
  for (unsigned i = 0; i < used; ++i) {
    depths[i] = static_cast<uint8_t>(inner_depths[parents[i] - used] + 1);
    greatest = std::max<unsigned>(greatest, depths[i]);
  }
  return greatest;
}

// Package-merge: level by level, the leaves are merged with the pairs of the level before; the 2 * used - 2 lightest items
// of the last level hold each leaf as often as its code is long. Only whether an item is a leaf needs to be kept.
void package_merge(const Leaves& leaves, unsigned limit, uint8_t lengths[256]) {
  const unsigned used = leaves.used;
  bool is_leaf[max_code_bits][512];
  uint64_t weights[512];
  unsigned items = used;
  std::copy(leaves.weights, leaves.weights + used, weights);
  std::fill(is_leaf[0], is_leaf[0] + used, true);
  for (unsigned level = 1; level < limit; ++level) {
    uint64_t merged[512];
    const unsigned packages = items / 2;
    unsigned leaf = 0, package = 0;
    for (unsigned i = 0; i < used + packages; ++i) {
      const uint64_t pair = package < packages ? weights[2 * package] + weights[2 * package + 1] : UINT64_MAX;
      is_leaf[level][i] = leaf < used && leaves.weights[leaf] <= pair;
      merged[i] = is_leaf[level][i] ? leaves.weights[leaf++] : (++package, pair);
    }
    items = used + packages;
    std::copy(merged, merged + items, weights);
  }
  std::fill(lengths, lengths + used, uint8_t{0});
  unsigned taken = 2 * used - 2;
  for (unsigned level = limit; level-- > 0;) {
    const auto taken_leaves = static_cast<unsigned>(std::count(is_leaf[level], is_leaf[level] + taken, true));
    for (unsigned i = 0; i < taken_leaves; ++i) ++lengths[i];
    taken = 2 * (taken - taken_leaves);
  }
}

bool is_complete(const PrefixCode& code) {
  uint32_t sum = 0;
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    if (code.lengths[symbol] != 0) sum += (1u << max_code_bits) >> code.lengths[symbol];
  }
  return sum == 1u << max_code_bits;
}

constexpr unsigned expected_first_length = 12;

void write_length(unsigned before, unsigned length, BitWriter& out) {
  if (length == before) return out.put(0, 1);
  if (length == before + 1) return out.put(0b001, 3);
  if (length + 1 == before) return out.put(0b101, 3);
  out.put(0b11 | length << 2, 6);
}

unsigned read_length(unsigned before, BitReader& in) {
  if (in.take(1) == 0) return before;
  if (in.take(1) == 0) return in.take(1) == 0 ? before + 1 : before - 1;
  return static_cast<unsigned>(in.take(4));
}

// The symbols of a span, those with the same length together, short codes first.
struct SymbolsByLength {
  uint16_t starts[max_code_bits + 2] = {};  // of those with a code of each length; ends with how many there are
  uint8_t ordered[256];

  explicit SymbolsByLength(const PrefixCode& code) {
    for (unsigned symbol = code.first; symbol <= code.last; ++symbol) ++starts[code.lengths[symbol] + 1];
    for (unsigned length = 1; length <= max_code_bits + 1; ++length) starts[length] = static_cast<uint16_t>(starts[length] + starts[length - 1]);
    uint16_t next[max_code_bits + 1];
    std::copy(starts, starts + max_code_bits + 1, next);
    for (unsigned symbol = code.first; symbol <= code.last; ++symbol) ordered[next[code.lengths[symbol]]++] = static_cast<uint8_t>(symbol);
  }
};

// The lowest `count` bits of value, from 1 to 16, the other way round.
unsigned reverse_bits(unsigned value, unsigned count) {
  value = (value & 0x5555) << 1 | (value >> 1 & 0x5555);
  value = (value & 0x3333) << 2 | (value >> 2 & 0x3333);
  value = (value & 0x0f0f) << 4 | (value >> 4 & 0x0f0f);
  value = (value & 0x00ff) << 8 | (value >> 8 & 0x00ff);
  return value >> (16 - count);
}

}  // namespace

PrefixCode build_prefix_code(const uint32_t counts[256], unsigned limit) {
  const Leaves leaves = sort_leaves(counts);
  PrefixCode code;
  code.first = *std::min_element(leaves.symbols, leaves.symbols + leaves.used);
  code.last = *std::max_element(leaves.symbols, leaves.symbols + leaves.used);
  if (leaves.used == 1) return code;
  uint8_t lengths[256];
  if (huffman_depths(leaves, lengths) > limit) package_merge(leaves, limit, lengths);
  for (unsigned i = 0; i < leaves.used; ++i) code.lengths[leaves.symbols[i]] = lengths[i];
  return code;
}

uint64_t coded_bits(const PrefixCode& code, const uint32_t counts[256]) {
  uint64_t sum = 0;
  for (unsigned symbol = 0; symbol < 256; ++symbol) sum += uint64_t{counts[symbol]} * code.lengths[symbol];
  return sum;
}

unsigned longest_code(const PrefixCode& code) { return *std::max_element(code.lengths, code.lengths + 256); }

void assign_codes(const PrefixCode& code, uint16_t bits[256]) {
  unsigned next[max_code_bits + 2] = {};
  unsigned with_length[max_code_bits + 1] = {};
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) ++with_length[code.lengths[symbol]];
  with_length[0] = 0;
  for (unsigned length = 1; length <= max_code_bits; ++length) next[length + 1] = (next[length] + with_length[length]) << 1;
  std::fill(bits, bits + 256, uint16_t{0});
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    const unsigned length = code.lengths[symbol];
    if (length != 0) bits[symbol] = static_cast<uint16_t>(reverse_bits(next[length]++, length));
  }
}

void write_prefix_code(const PrefixCode& code, BitWriter& out) {
  out.put(code.first | code.last << 8, 16);
  if (code.lone()) return;
  unsigned before = expected_first_length;
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    write_length(before, code.lengths[symbol], out);
    before = code.lengths[symbol];
  }
}

bool read_prefix_code(BitReader& in, PrefixCode& code) {
  code = PrefixCode{};
  code.first = static_cast<uint8_t>(in.take(8));
  code.last = static_cast<uint8_t>(in.take(8));
  if (in.overrun() || code.first > code.last) return false;
  if (code.lone()) return true;
  unsigned before = expected_first_length;
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    before = read_length(before, in);
    if (before > max_code_bits || in.overrun()) return false;  // one less than 0 wraps to above 12
    code.lengths[symbol] = static_cast<uint8_t>(before);
  }
  return code.lengths[code.first] != 0 && code.lengths[code.last] != 0 && is_complete(code);
}

void fill_symbol_table(const PrefixCode& code, unsigned index_bits, uint16_t* table) {
  const unsigned entries = 1u << index_bits;
  if (code.lone()) {
    std::fill(table, table + entries, static_cast<uint16_t>(code.first << 8));
    return;
  }
  uint16_t bits[256];
  assign_codes(code, bits);
  const SymbolsByLength symbols(code);
  // A table for indices of one bit more is twice that for one bit less, with the codes of that length put in.
  table[0] = 0;
  for (unsigned length = 1; length <= index_bits; ++length) {
    const unsigned half = 1u << (length - 1);
    std::memcpy(table + half, table, half * sizeof *table);
    for (unsigned i = symbols.starts[length]; i < symbols.starts[length + 1]; ++i) {
      const unsigned symbol = symbols.ordered[i];
      table[bits[symbol]] = static_cast<uint16_t>(length | symbol << 8);
    }
  }
}

}  // namespace cairn
