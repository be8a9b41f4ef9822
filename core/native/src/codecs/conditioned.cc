#include "codecs/conditioned.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/entropy.h"
#include "codecs/conditioned_differences.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr unsigned range_sub_bits = 1;  // ranges of keys are chosen with symbols of that many sub bits
constexpr unsigned trailing_shift = 2;  // first byte: sub bits, trailing bits
constexpr unsigned patch_price_sixteenths = 98;  // bits of a patch beside its position, about

// Everything the encoder decides for a block before it writes.
struct Plan {
  DifferenceShape shape;    // with the sub bits chosen
  uint8_t coarse[256];      // symbol with the most sub bits -> with those chosen
  KeyTables tables;
  bool quiet[most_keys];    // keys that are taken as unchanged, what changes is patched
  uint64_t stream_bits;     // codes and low bits; UINT64_MAX where the block can't be coded
  uint64_t patch_bits;      // about
  size_t patches;
};

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

// Makes keys quiet whose changed elements are so rare that listing them costs less than one bit an element does.
void choose_quiet_keys(KeyCounts& counts, size_t count, Plan& plan) {
  for (unsigned key = 0; key < most_keys; ++key) {
    plan.quiet[key] = false;
    if (!counts.present[key]) continue;
    uint32_t* const row = counts.rows[key];
    uint64_t total = 0;
    for (unsigned symbol = 0; symbol < 256; ++symbol) total += row[symbol];
    const uint64_t changed = total - row[0];
    if (changed == 0 || changed > total / 4) continue;
    const uint64_t patched = changed * (logarithm_sixteenths(count / changed) + patch_price_sixteenths) / 16;
    if (patched >= price_counts(row) >> 16) continue;
    std::fill(row, row + 256, 0u);
    row[0] = static_cast<uint32_t>(total);
    plan.quiet[key] = true;
    plan.patches += changed;
    plan.patch_bits += patched;
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

unsigned step_of(unsigned sub_bits) { return 2u << sub_bits; }

// Bits of a block with so many sub bits, about; UINT64_MAX where a shifted symbol would not fit a byte.
uint64_t price_sub_bits(const KeyCounts& counts, const Plan& plan, unsigned sub_bits) {
  uint8_t coarse[256];
  fill_coarse(plan.shape.sub_bits, sub_bits, coarse);
  uint64_t price = 0;
  uint32_t sums[256];
  for (unsigned i = 0; i < plan.tables.count; ++i) {
    if (!sum_rows(counts, coarse, plan.tables.tables[i], step_of(sub_bits), sums)) return UINT64_MAX;
    price += price_counts(sums);
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

unsigned choose_sub_bits(const KeyCounts& counts, const Plan& plan) {
  unsigned best = 0;
  uint64_t best_price = UINT64_MAX;
  for (unsigned sub_bits = 0; sub_bits <= plan.shape.sub_bits; ++sub_bits) {
    const uint64_t price = price_sub_bits(counts, plan, sub_bits);
    if (price >= best_price) continue;
    best = sub_bits;
    best_price = price;
  }
  return best;
}

void build_codes(const KeyCounts& counts, Plan& plan) {
  SymbolMeaning meanings[256];
  fill_meanings(plan.shape, meanings);
  uint32_t sums[256];
  for (unsigned i = 0; i < plan.tables.count; ++i) {
    KeyTable& table = plan.tables.tables[i];
    sum_rows(counts, plan.coarse, table, plan.tables.step, sums);
    table.code = build_prefix_code(sums, longest_difference_code);
    plan.stream_bits += coded_bits(table.code, sums);
  }
  for (unsigned key = 0; key < most_keys; ++key) {
    if (!counts.present[key]) continue;
    for (unsigned symbol = 0; symbol < 256; ++symbol) plan.stream_bits += uint64_t{counts.rows[key][symbol]} * meanings[plan.coarse[symbol]].low_bits;
  }
}

// Requires: shape.sub_bits is the most there are, as `differences` has them.
Plan make_plan(const Differences& differences, size_t count, const DifferenceShape& shape, KeyCounts& counts, Scratch& scratch) {
  Plan plan{};
  plan.shape = shape;
  counts = count_by_key(differences.pairs, count, scratch);
  if (has_unsayable(counts, shape)) {
    plan.stream_bits = UINT64_MAX;
    return plan;
  }
  choose_quiet_keys(counts, count, plan);
  uint8_t coarse[256];
  fill_coarse(shape.sub_bits, range_sub_bits, coarse);
  choose_ranges(counts, coarse, step_of(range_sub_bits), scratch, plan.tables);
  if (plan.tables.count > most_tables) {  // ranges whose symbols would leave the byte can't be merged
    plan.stream_bits = UINT64_MAX;
    return plan;
  }
  const unsigned sub_bits = choose_sub_bits(counts, plan);
  fill_coarse(shape.sub_bits, sub_bits, plan.coarse);
  plan.shape.sub_bits = static_cast<uint8_t>(sub_bits);
  plan.tables.step = step_of(sub_bits);
  build_codes(counts, plan);
  return plan;
}

void fill_entries(const KeyCounts& counts, const Plan& plan, uint32_t* entries) {
  SymbolMeaning meanings[256];
  fill_meanings(plan.shape, meanings);
  for (unsigned i = 0; i < plan.tables.count; ++i) {
    const KeyTable& table = plan.tables.tables[i];
    uint16_t codes[256];
    assign_codes(table.code, codes);
    for (unsigned key = table.first_key; key <= table.last_key; ++key) {
      if (!counts.present[key]) continue;
      const unsigned shift = table.shift_of(key, plan.tables.step);
      for (unsigned symbol = 0; symbol < 256; ++symbol) {
        const uint8_t coarse = plan.quiet[key] ? uint8_t{0} : plan.coarse[symbol];
        const uint8_t coded = static_cast<uint8_t>(coarse + shift);
        entries[key << 8 | symbol] = meanings[coarse].low_bits | uint32_t{table.code.lengths[coded]} << pair_code_bits_shift | uint32_t{codes[coded]} << pair_code_shift;
      }
    }
  }
}

void put_ones_and_zero(uint64_t ones, BitWriter& out) {
  for (; ones >= 32; ones -= 32) out.put(0xffffffffu, 32);
  out.put((uint64_t{1} << ones) - 1, static_cast<unsigned>(ones) + 1);
}

uint32_t magnitude_at(const Differences& differences, size_t i, unsigned width) {
  uint32_t magnitude = 0;
  std::memcpy(&magnitude, differences.magnitudes + i * width, width);
  return magnitude;
}

unsigned gap_bits_for(size_t count, size_t patches) { return 63 - static_cast<unsigned>(__builtin_clzll(count / patches | 1)); }

// Lists the changed elements with quiet keys. Requires: room for most_patch_bits of each.
void write_patches(const Differences& differences, size_t count, const Plan& plan, BitWriter& out) {
  out.put(plan.patches != 0 ? 1 : 0, 1);
  if (plan.patches == 0) return;
  out.put(plan.patches, 32);
  const unsigned gap_bits = gap_bits_for(count, plan.patches);
  out.put(gap_bits, 5);
  uint8_t listed[most_keys];  // masks of symbols, so that one branch that is hardly ever taken decides
  for (unsigned key = 0; key < most_keys; ++key) listed[key] = plan.quiet[key] ? 0xff : 0;
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    const unsigned pair = differences.pairs[i];
    if ((pair & listed[pair >> 8]) == 0) continue;
    const size_t gap = i - next;
    put_ones_and_zero(gap >> gap_bits, out);
    out.put(gap & ((size_t{1} << gap_bits) - 1), gap_bits);
    const uint64_t value = uint64_t{magnitude_at(differences, i, plan.shape.width)} * 2 - 1 + (pair & 1);
    const unsigned below = 63 - static_cast<unsigned>(__builtin_clzll(value));
    put_ones_and_zero(below, out);
    out.put(value & ((uint64_t{1} << below) - 1), below);
    next = i + 1;
  }
}

// Enough bytes for any list of patches: twice the count for the ones of the gaps, and each its own bits.
size_t longest_patches(size_t count, size_t patches) { return 8 + count / 2 + patches * 16; }

struct Patch {
  size_t position;
  uint64_t value;
};

// False where a gap is too long or a value too great for the shape.
bool read_patch(BitReader& in, unsigned gap_bits, size_t next, size_t count, const DifferenceShape& shape, Patch& patch) {
  size_t quotient = 0;
  for (; in.take(1) != 0; ++quotient) {
    if (quotient > count >> gap_bits) return false;
  }
  patch.position = next + (quotient << gap_bits) + in.take(gap_bits);
  unsigned below = 0;
  for (; in.take(1) != 0; ++below) {
    if (below > shape.width * 8u) return false;
  }
  patch.value = uint64_t{1} << below | in.take(below);
  const uint64_t greatest = uint64_t{1} << (shape.width * 8 - shape.trailing_bits);
  return !in.overrun() && patch.position < count && patch.value < greatest - 1;
}

// Restores one element from its base and the difference in a patch.
template <class T>
void apply_patch(const Patch& patch, const DifferenceShape& shape, const RawTarget& target) {
  T base;
  std::memcpy(&base, target.base + patch.position * sizeof(T), sizeof(T));
  const T kept = static_cast<T>(static_cast<T>(~T{0}) << shape.trailing_bits), sign = static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  const bool negative = (base & sign) != 0, inward = patch.value % 2 == 0;
  base &= kept;
  const T magnitude = static_cast<T>(static_cast<T>((patch.value + 1) / 2) << shape.trailing_bits);
  const T ordered = static_cast<T>(negative ? base ^ kept : base ^ sign);
  const T restored = static_cast<T>(inward != negative ? ordered - magnitude : ordered + magnitude);
  const T raw = static_cast<T>((restored & sign) != 0 ? restored ^ sign : restored ^ kept);
  std::memcpy(target.raw + patch.position * sizeof(T), &raw, sizeof(T));
}

void apply_patch_of(const Patch& patch, const DifferenceShape& shape, const RawTarget& target) {
  if (shape.width == 1) return apply_patch<uint8_t>(patch, shape, target);
  if (shape.width == 2) return apply_patch<uint16_t>(patch, shape, target);
  apply_patch<uint32_t>(patch, shape, target);
}

struct PatchList {
  size_t count = 0;
  unsigned gap_bits = 0;
  BitReader bits{nullptr, nullptr};
};

bool read_patch_list(BitReader& in, size_t elements, PatchList& list) {
  if (in.take(1) != 0) {
    list.count = static_cast<size_t>(in.take(32));
    list.gap_bits = static_cast<unsigned>(in.take(5));
    if (list.count == 0 || list.count > elements) return false;
  }
  list.bits = in;
  return !in.overrun();
}

// Reads all patches, and applies them where there is a target.
bool walk_patches(PatchList list, size_t count, const DifferenceShape& shape, const RawTarget* target, BitReader& after) {
  size_t next = 0;
  Patch patch{};
  for (size_t i = 0; i < list.count; ++i) {
    if (!read_patch(list.bits, list.gap_bits, next, count, shape, patch)) return false;
    if (target != nullptr) apply_patch_of(patch, shape, *target);
    next = patch.position + 1;
  }
  after = list.bits;
  return true;
}

bool can_encode(const RawBlock& block) {
  return block.base != nullptr && key_bits_of(block.element) != 0 && block.length >= width_of(block.element);
}

// Takes a block apart with the most sub bits, leaving out its trailing zeros.
Differences classify(const RawBlock& block, size_t count, Scratch& scratch, DifferenceShape& shape) {
  shape = shape_of(block.element);
  shape.trailing_bits = static_cast<uint8_t>(count_trailing_zeros(block.raw, block.length, shape));
  const Differences differences = take_differences(scratch, count, shape.width);
  kernels().classify_differences(block.raw, block.base, count, shape, differences);
  return differences;
}

}  // namespace

size_t encode_conditioned(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!can_encode(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  DifferenceShape shape{};
  const size_t count = block.length / width_of(block.element);
  const Differences differences = classify(block, count, scratch, shape);
  KeyCounts counts{};
  const Plan plan = make_plan(differences, count, shape, counts, scratch);
  if (plan.stream_bits / 8 >= capacity) return does_not_fit;

  uint8_t* const head = scratch.take<uint8_t>(1 + longest_key_tables + longest_patches(count, plan.patches));
  head[0] = static_cast<uint8_t>(plan.shape.sub_bits | plan.shape.trailing_bits << trailing_shift);
  BitWriter bits(head + 1);
  write_key_tables(plan.tables, key_bits_of(block.element), bits);
  write_patches(differences, count, plan, bits);
  const auto head_length = static_cast<size_t>(bits.finish() - head);
  if (head_length >= capacity) return does_not_fit;
  std::memcpy(out, head, head_length);

  uint32_t* const entries = scratch.take<uint32_t>(most_keys * 256);
  fill_entries(counts, plan, entries);
  const size_t streams = write_streams(differences, count, shape.width, entries, plan.stream_bits, out + head_length, capacity - head_length);
  return streams == does_not_fit ? does_not_fit : head_length + streams;
}

bool decode_conditioned(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  const unsigned key_bits = key_bits_of(target.element);
  if (target.base == nullptr || key_bits == 0 || stored.length < 1) return false;
  const Scratch::Scope scope(scratch);
  DifferenceShape shape = shape_of(target.element);
  const unsigned sub_bits = stored.data[0] & 3, trailing_bits = stored.data[0] >> trailing_shift;
  if (sub_bits > most_sub_bits(shape.width) || trailing_bits > shape.mantissa_bits) return false;
  shape.sub_bits = static_cast<uint8_t>(sub_bits);
  shape.trailing_bits = static_cast<uint8_t>(trailing_bits);

  const uint8_t* const end = stored.data + stored.length;
  BitReader bits(stored.data + 1, end);
  KeyTables tables;
  if (!read_key_tables(bits, step_of(sub_bits), key_bits, tables)) return false;
  const size_t count = target.length / shape.width;
  PatchList patches;
  if (!read_patch_list(bits, count, patches) || !walk_patches(patches, count, shape, nullptr, bits) || !bits.padded()) return false;

  SymbolMeaning meanings[256];
  fill_meanings(shape, meanings);
  CodedDifferences coded{};
  coded.base = target.base;
  coded.count = count;
  uint32_t keys[most_keys];
  if (!open_streams(bits.next_byte(), end, shape, tables, meanings, scratch, keys, coded)) return false;
  if (!kernels().unpack_differences(coded, shape, target.raw)) return false;
  return walk_patches(patches, count, shape, &target, bits);
}

size_t estimate_conditioned(const RawBlock& block, Scratch& scratch) {
  if (!can_encode(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  RawBlock sample;
  const size_t count = take_sample(block, scratch, sample);
  DifferenceShape shape{};
  const Differences differences = classify(sample, count, scratch, shape);
  KeyCounts counts{};
  const Plan plan = make_plan(differences, count, shape, counts, scratch);
  if (plan.stream_bits == UINT64_MAX) return does_not_fit;
  uint8_t* const head = scratch.take<uint8_t>(longest_key_tables);
  BitWriter bits(head);
  write_key_tables(plan.tables, key_bits_of(block.element), bits);
  const auto head_bytes = static_cast<uint64_t>(bits.finish() - head) + 32;
  const uint64_t sampled_bits = plan.stream_bits + plan.patch_bits;
  return static_cast<size_t>(head_bytes + sampled_bits * (block.length / shape.width) / count / 8);
}

}  // namespace cairn
