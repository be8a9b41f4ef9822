#include "codecs/conditioned_plan.h"

#include <algorithm>

#include "base/scratch.h"
#include "codecs/entropy.h"

namespace cairn {
namespace {

constexpr unsigned range_sub_bits = 1;  // ranges of keys are chosen with symbols of that many sub bits
constexpr unsigned position_price_sixteenths = 24;  // bits of a patch's position beyond the logarithm of the distance, about

// True where a difference is half of all there are, which has no symbol.
bool has_unsayable(const KeyCounts& counts, const DifferenceShape& shape) {
  SymbolMeaning meanings[256];
  fill_meanings(shape, meanings);
  for (unsigned key = 0; key < most_keys; ++key) {
    for (unsigned symbol = 0; counts.present[key] && symbol < 256; ++symbol) {
      if (counts.rows[key][symbol] != 0 && meanings[symbol].refused) return true;
    }
  }
  return false;
}

unsigned logarithm_sixteenths(uint64_t x) { return x == 0 ? 0 : static_cast<unsigned>(weigh(x) / x >> 12); }

// Bits that the changed elements of a key take beside their symbols or positions: as values of patches, and as low bits.
struct ChangedBits {
  uint64_t changed = 0, values = 0, low = 0;

  ChangedBits() = default;
  ChangedBits(const uint32_t row[256], const SymbolMeaning meanings[256]) {
    for (unsigned symbol = 1; symbol < 256; ++symbol) {
      if (row[symbol] == 0) continue;
      const unsigned below = 31 - static_cast<unsigned>(__builtin_clz(meanings[symbol].least));
      changed += row[symbol];
      values += uint64_t{row[symbol]} * (2 * below + 1);
      low += uint64_t{row[symbol]} * meanings[symbol].low_bits;
    }
  }
};

// Makes keys quiet whose changed elements are so rare that listing them costs less than one bit an element does. Keys that a sample
// shows unchanged are quiet, too; of those it hardly shows, the ones that follow a quiet key.
void choose_quiet_keys(KeyCounts& counts, size_t counted, bool sampled, const TablePrice& price, Plan& plan) {
  constexpr uint64_t least_shown = 8;
  SymbolMeaning meanings[256];
  fill_meanings(plan.shape, meanings);
  bool before = false;
  for (unsigned key = 0; key < most_keys; ++key) {
    uint32_t* const row = counts.rows[key];
    const ChangedBits bits = counts.present[key] ? ChangedBits(row, meanings) : ChangedBits();
    const uint64_t total = counts.present[key] ? row[0] + bits.changed : 0;
    if (bits.changed == 0) {
      plan.quiet[key] = sampled && (total >= least_shown || before);
      before = plan.quiet[key];
      continue;
    }
    const uint64_t patched = bits.changed * (logarithm_sixteenths(counted / bits.changed) + position_price_sixteenths) / 16 + bits.values;
    before = plan.quiet[key] = bits.changed <= total / 4 && patched < (price_counts(row, price) >> 16) + bits.low;
    if (!plan.quiet[key]) continue;
    std::fill(row, row + 256, 0u);
    row[0] = static_cast<uint32_t>(total);
    plan.patches += bits.changed;
    plan.price += patched;
  }
}

void fill_coarse(unsigned from_sub_bits, unsigned to_sub_bits, uint8_t coarse[256]) {
  DifferenceShape finest{4, 0, 0, static_cast<uint8_t>(from_sub_bits)};
  SymbolMeaning meanings[256];
  fill_meanings(finest, meanings);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    const bool refused = meanings[symbol].refused;
    coarse[symbol] = refused ? uint8_t{0} : static_cast<uint8_t>(number_of(meanings[symbol].least >> 1, to_sub_bits) << 1 | (symbol & 1));
  }
}

// Bits of a block with so many sub bits, about; UINT64_MAX where a shifted symbol would not fit a byte.
uint64_t price_sub_bits(const KeyCounts& counts, const Plan& plan, unsigned sub_bits, const TablePrice& table_price) {
  uint8_t coarse[256];
  fill_coarse(plan.shape.sub_bits, sub_bits, coarse);
  uint64_t price = 0;
  uint32_t sums[256];
  for (unsigned i = 0; i < plan.tables.count; ++i) {
    if (!sum_rows(counts, coarse, plan.tables.tables[i], step_of(sub_bits), sums)) return UINT64_MAX;
    price += price_counts(sums, table_price);
  }
  DifferenceShape shape = plan.shape;
  shape.sub_bits = static_cast<uint8_t>(sub_bits);
  SymbolMeaning meanings[256];
  fill_meanings(shape, meanings);
  for (unsigned key = 0; key < most_keys; ++key) {
    if (!counts.present[key]) continue;
    for (unsigned symbol = 0; symbol < 256; ++symbol) price += uint64_t{counts.rows[key][symbol]} * meanings[coarse[symbol]].low_bits << 16;
  }
  return price;
}

unsigned choose_sub_bits(const KeyCounts& counts, const TablePrice& table_price, Plan& plan) {
  unsigned best = 0;
  uint64_t best_price = UINT64_MAX;
  for (unsigned sub_bits = 0; sub_bits <= plan.shape.sub_bits; ++sub_bits) {
    const uint64_t price = price_sub_bits(counts, plan, sub_bits, table_price);
    if (price >= best_price) continue;
    best = sub_bits;
    best_price = price;
  }
  plan.price += best_price >> bit_fraction;
  return best;
}

}  // namespace

uint64_t count_low_bits(const KeyCounts& counts, const Plan& plan) {
  SymbolMeaning meanings[256];
  fill_meanings(plan.shape, meanings);
  uint64_t bits = 0;
  for (unsigned key = 0; key < most_keys; ++key) {
    if (!counts.present[key]) continue;
    for (unsigned symbol = 0; symbol < 256; ++symbol) bits += uint64_t{counts.rows[key][symbol]} * meanings[plan.coarse[symbol]].low_bits;
  }
  return bits;
}

Plan make_plan(KeyCounts& counts, size_t counted, size_t count, const DifferenceShape& shape, unsigned most, Scratch& scratch) {
  Plan plan{};
  plan.shape = shape;
  if (has_unsayable(counts, shape)) return plan;
  const TablePrice price(counted, count);
  choose_quiet_keys(counts, counted, counted < count, price, plan);
  uint8_t coarse[256];
  fill_coarse(shape.sub_bits, range_sub_bits, coarse);
  // A sample misses keys and symbols that shifts have no place for.
  choose_ranges(counts, coarse, counted == count ? step_of(range_sub_bits) : 0, most, price, scratch, plan.tables);
  if (plan.tables.count > most_tables) return plan;  // ranges whose symbols would leave the byte can't be merged
  const unsigned sub_bits = choose_sub_bits(counts, price, plan);
  fill_coarse(shape.sub_bits, sub_bits, plan.coarse);
  plan.shape.sub_bits = static_cast<uint8_t>(sub_bits);
  plan.tables.step = step_of(sub_bits);
  plan.possible = true;
  return plan;
}

}  // namespace cairn
