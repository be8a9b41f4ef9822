#include "codecs/conditioned_tables.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/entropy.h"

namespace cairn {
namespace {

// Lengths are predicted with symbols that have no code taken as one bit longer than the longest.
constexpr unsigned without_code = longest_difference_code + 1;
constexpr unsigned expected_first_length = 6;
constexpr unsigned table_price = 16;            // bits of a table beside its lengths, about
constexpr unsigned length_price_halves = 5;     // bits of one length, about, doubled
constexpr unsigned bias_hundredths = 72;
constexpr unsigned shift_bits = 4;

unsigned length_or_without(const PrefixCode& code, unsigned symbol) {
  return symbol > 255 || code.lengths[symbol] == 0 ? without_code : code.lengths[symbol];
}

// What the length of a symbol is predicted from: the table before, `shift` symbols up, or its own second neighbour.
unsigned predict_length(const PrefixCode* before, unsigned shift, const PrefixCode& own, unsigned symbol) {
  if (before != nullptr) return length_or_without(*before, symbol + shift);
  return symbol < 2 ? expected_first_length : length_or_without(own, symbol - 2);
}

void write_length(unsigned predicted, unsigned length, BitWriter& out) {
  if (length == predicted) return out.put(0, 1);
  const unsigned distance = length > predicted ? length - predicted : predicted - length;
  out.put((uint64_t{1} << distance) - 1, distance + 1);
  if (predicted != without_code) out.put(length < predicted ? 1 : 0, 1);
}

// 0 for what isn't a length.
unsigned read_length(unsigned predicted, BitReader& in) {
  unsigned distance = 0;
  while (in.take(1) != 0) {
    if (++distance >= without_code) return 0;
  }
  if (distance == 0) return predicted;
  const bool less = predicted == without_code || in.take(1) != 0;
  if (less) return distance >= predicted ? 0 : predicted - distance;
  return predicted + distance > without_code ? 0 : predicted + distance;
}

// The shift whose predictions take the fewest bits. All lengths first, so that the loop over them is one for vectors.
unsigned choose_shift(const PrefixCode& before, const PrefixCode& code, unsigned last_symbol, unsigned step) {
  constexpr unsigned shifts = 1u << shift_bits;
  uint8_t predicted[256 * 2], actual[256];
  for (unsigned symbol = 0; symbol < 512; ++symbol) predicted[symbol] = static_cast<uint8_t>(length_or_without(before, symbol));
  for (unsigned symbol = 0; symbol < 256; ++symbol) actual[symbol] = static_cast<uint8_t>(length_or_without(code, symbol));
  unsigned best = 0, best_bits = UINT32_MAX;
  for (unsigned shift = 0; shift < shifts; ++shift) {
    const uint8_t* const from = predicted + std::min(shift * step, 256u);
    unsigned bits = 0;
    for (unsigned symbol = 0; symbol <= last_symbol; ++symbol) {
      const int distance = actual[symbol] > from[symbol] ? actual[symbol] - from[symbol] : from[symbol] - actual[symbol];
      const int direction = from[symbol] != without_code ? 1 : 0;
      bits += static_cast<unsigned>(distance != 0 ? distance + 1 + direction : 1);
    }
    if (bits < best_bits) {
      best = shift;
      best_bits = bits;
    }
  }
  return best;
}

bool is_complete(const PrefixCode& code) {
  uint32_t sum = 0;
  for (const uint8_t length : code.lengths) {
    if (length != 0) sum += (1u << longest_difference_code) >> length;
  }
  return sum == 1u << longest_difference_code;
}

bool read_code(BitReader& in, const PrefixCode* before, unsigned step, unsigned last_symbol, PrefixCode& code) {
  const unsigned shift = before != nullptr && step != 0 ? static_cast<unsigned>(in.take(shift_bits)) * step : 0;
  bool any = false;
  for (unsigned symbol = 0; symbol <= last_symbol; ++symbol) {
    const unsigned length = read_length(predict_length(before, shift, code, symbol), in);
    if (length == 0 || in.overrun()) return false;
    if (length == without_code) continue;
    code.lengths[symbol] = static_cast<uint8_t>(length);
    if (!any) code.first = static_cast<uint8_t>(symbol);
    code.last = static_cast<uint8_t>(symbol);
    any = true;
  }
  return !code.lone() && is_complete(code);
}

// A range of keys while ranges are being merged.
struct Range {
  uint32_t* counts;
  uint64_t price;
  unsigned symbols;  // none occurs from this one on
  uint8_t first_key, last_key;
  bool plain, shifted;  // at most one; neither for a single key, which can become either
};

struct Merge {
  int64_t gain;
  bool shifted;
};

constexpr Merge no_merge{INT64_MIN, false};

// Price of two ranges' counts together, the second's symbols moved up; UINT64_MAX where they would exceed 255.
uint64_t price_merged(const Range& left, const Range& right, unsigned shift, const TablePrice& price) {
  if (right.symbols + shift > 256) return UINT64_MAX;
  uint32_t sums[256];
  const unsigned symbols = std::max(left.symbols, right.symbols + shift);
  std::copy(left.counts, left.counts + symbols, sums);
  for (unsigned symbol = 0; symbol < right.symbols; ++symbol) sums[symbol + shift] += right.counts[symbol];
  return price_counts(sums, price, symbols);
}

Merge weigh_merge(const Range& left, const Range& right, unsigned step, const TablePrice& price) {
  const auto apart = static_cast<int64_t>(left.price + right.price);
  Merge best = no_merge;
  if (!left.shifted && !right.shifted) best = {apart - static_cast<int64_t>(price_merged(left, right, 0, price)), false};
  if (step == 0 || left.plain || right.plain) return best;
  const uint64_t shifted = price_merged(left, right, (right.first_key - left.first_key) * step, price);
  if (shifted != UINT64_MAX && apart - static_cast<int64_t>(shifted) > best.gain) best = {apart - static_cast<int64_t>(shifted), true};
  return best;
}

void merge_ranges(Range& left, const Range& right, bool shifted, unsigned step, const TablePrice& price) {
  const unsigned shift = shifted ? (right.first_key - left.first_key) * step : 0;
  for (unsigned symbol = 0; symbol < right.symbols; ++symbol) left.counts[symbol + shift] += right.counts[symbol];
  left.symbols = std::max(left.symbols, right.symbols + shift);
  left.last_key = right.last_key;
  left.shifted = shifted;
  left.plain = !shifted;
  left.price = price_counts(left.counts, price, left.symbols);
}

unsigned start_ranges(const KeyCounts& counts, const uint8_t coarse[256], const TablePrice& price, uint32_t* memory, Range* ranges) {
  unsigned count = 0;
  for (unsigned key = 0; key < most_keys; ++key) {
    if (!counts.present[key]) continue;
    uint32_t* const own = memory + count * 256;
    std::fill(own, own + 256, 0u);
    unsigned symbols = 0;
    for (unsigned symbol = 0; symbol < 256; ++symbol) {
      if (counts.rows[key][symbol] == 0) continue;
      own[coarse[symbol]] += counts.rows[key][symbol];
      symbols = std::max(symbols, coarse[symbol] + 1u);
    }
    ranges[count++] = {own, price_counts(own, price, symbols), symbols, static_cast<uint8_t>(key), static_cast<uint8_t>(key), false, false};
  }
  return count;
}

}  // namespace

KeyCounts count_by_key(const uint16_t* pairs, size_t count, Scratch& scratch) {
  KeyCounts counts{reinterpret_cast<uint32_t(*)[256]>(scratch.take<uint32_t>(most_keys * 256)), {}};
  const Scratch::Scope scope(scratch);
  // Neighbours count in different rows, so that none waits for the one before it where most pairs are equal.
  auto* const others = reinterpret_cast<uint32_t(*)[256]>(scratch.take<uint32_t>(most_keys * 256));
  const auto add = [&](unsigned pair, uint32_t(*rows)[256]) {
    const unsigned key = pair >> 8;
    if (!counts.present[key]) {
      counts.present[key] = true;
      std::memset(counts.rows[key], 0, sizeof counts.rows[key]);
      std::memset(others[key], 0, sizeof others[key]);
    }
    ++rows[key][pair & 0xff];
  };
  size_t i = 0;
  for (; i + 2 <= count; i += 2) {
    add(pairs[i], counts.rows);
    add(pairs[i + 1], others);
  }
  if (i < count) add(pairs[i], counts.rows);
  for (unsigned key = 0; key < most_keys; ++key) {
    for (unsigned symbol = 0; counts.present[key] && symbol < 256; ++symbol) counts.rows[key][symbol] += others[key][symbol];
  }
  return counts;
}

TablePrice::TablePrice(size_t counted, size_t count)
    : table((uint64_t{table_price} << bit_fraction) * counted / count),
      length((uint64_t{length_price_halves} << bit_fraction) / 2 * counted / count + (uint64_t{bias_hundredths} << bit_fraction) / 100 * (count - counted) / count) {}

uint64_t price_counts(const uint32_t counts[256], const TablePrice& price, unsigned symbols) {
  const Weights weights = weigh_counts(counts, symbols);
  if (weights.distinct <= 1) return price.table;
  return std::max(weights.entropy, weights.total << bit_fraction) + price.table + weights.distinct * price.length;
}

void choose_ranges(const KeyCounts& counts, const uint8_t coarse[256], unsigned step, unsigned most, const TablePrice& price, Scratch& scratch, KeyTables& tables) {
  const Scratch::Scope scope(scratch);
  Range ranges[most_keys];
  Merge merges[most_keys];  // of each range with the next
  unsigned count = start_ranges(counts, coarse, price, scratch.take<uint32_t>(most_keys * 256), ranges);
  for (unsigned i = 0; i + 1 < count; ++i) merges[i] = weigh_merge(ranges[i], ranges[i + 1], step, price);
  while (count > 1) {
    unsigned best = 0;
    for (unsigned i = 1; i + 1 < count; ++i) {
      if (merges[i].gain > merges[best].gain) best = i;
    }
    if (merges[best].gain <= 0 && count <= most) break;
    if (merges[best].gain == INT64_MIN) break;
    merge_ranges(ranges[best], ranges[best + 1], merges[best].shifted, step, price);
    std::copy(ranges + best + 2, ranges + count, ranges + best + 1);
    std::copy(merges + best + 1, merges + count - 1, merges + best);
    --count;
    if (best + 1 < count) merges[best] = weigh_merge(ranges[best], ranges[best + 1], step, price);
    if (best > 0) merges[best - 1] = weigh_merge(ranges[best - 1], ranges[best], step, price);
  }
  tables.count = count;
  tables.step = step;
  for (unsigned i = 0; i < count && i < most_tables; ++i) {
    tables.tables[i].first_key = ranges[i].first_key;
    tables.tables[i].last_key = i + 1 < count ? static_cast<uint8_t>(ranges[i + 1].first_key - 1) : ranges[i].last_key;
    tables.tables[i].shifted = ranges[i].shifted;
  }
}

bool sum_rows(const KeyCounts& counts, const uint8_t coarse[256], const KeyTable& table, unsigned step, uint32_t sums[256]) {
  std::fill(sums, sums + 256, 0u);
  for (unsigned key = table.first_key; key <= table.last_key; ++key) {
    if (!counts.present[key]) continue;
    const unsigned shift = table.shift_of(key, step);
    for (unsigned symbol = 0; symbol < 256; ++symbol) {
      if (counts.rows[key][symbol] == 0) continue;
      if (coarse[symbol] + shift > 255) return false;
      sums[coarse[symbol] + shift] += counts.rows[key][symbol];
    }
  }
  return true;
}

void write_key_tables(const KeyTables& tables, unsigned key_bits, BitWriter& out) {
  unsigned last_symbol = 0;
  for (unsigned i = 0; i < tables.count; ++i) last_symbol = std::max<unsigned>(last_symbol, tables.tables[i].code.last);
  out.put(tables.count - 1, 4);
  out.put(last_symbol, 8);
  out.put(tables.tables[0].first_key, key_bits);
  const PrefixCode* before = nullptr;
  for (unsigned i = 0; i < tables.count; ++i) {
    const KeyTable& table = tables.tables[i];
    out.put(table.last_key, key_bits);
    if (tables.step != 0) out.put(table.shifted ? 1 : 0, 1);
    out.put(table.code.lone() ? 1 : 0, 1);
    if (table.code.lone()) {
      out.put(table.code.first, 8);
      continue;
    }
    const bool predicted = before != nullptr && tables.step != 0;
    const unsigned shift = predicted ? choose_shift(*before, table.code, last_symbol, tables.step) : 0;
    if (predicted) out.put(shift, shift_bits);
    for (unsigned symbol = 0; symbol <= last_symbol; ++symbol) {
      write_length(predict_length(before, shift * tables.step, table.code, symbol), length_or_without(table.code, symbol), out);
    }
    before = &table.code;
  }
}

bool read_key_tables(BitReader& in, unsigned step, unsigned key_bits, KeyTables& tables) {
  tables.count = static_cast<unsigned>(in.take(4)) + 1;
  tables.step = step;
  const auto last_symbol = static_cast<unsigned>(in.take(8));
  auto next_key = static_cast<unsigned>(in.take(key_bits));
  const PrefixCode* before = nullptr;
  for (unsigned i = 0; i < tables.count; ++i) {
    KeyTable& table = tables.tables[i];
    const auto key = static_cast<unsigned>(in.take(key_bits));
    if (in.overrun() || key < next_key) return false;
    table.first_key = static_cast<uint8_t>(next_key);
    table.last_key = static_cast<uint8_t>(key);
    next_key = key + 1;
    table.shifted = step != 0 && in.take(1) != 0;
    table.code = PrefixCode{};
    if (in.take(1) != 0) {
      table.code.first = table.code.last = static_cast<uint8_t>(in.take(8));
      if (in.overrun() || table.code.first > last_symbol) return false;
      continue;
    }
    if (!read_code(in, before, step, last_symbol, table.code)) return false;
    before = &table.code;
  }
  return !in.overrun();
}

}  // namespace cairn
