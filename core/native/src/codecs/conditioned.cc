#include "codecs/conditioned.h"

#include <cstring>

#include "base/scratch.h"
#include "codecs/conditioned_head.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

// Makes the codes of all tables; returns the bits of the streams.
uint64_t build_codes(const KeyCounts& counts, Plan& plan) {
  uint64_t bits = count_low_bits(counts, plan);
  uint32_t sums[256];
  for (unsigned i = 0; i < plan.tables.count; ++i) {
    KeyTable& table = plan.tables.tables[i];
    sum_rows(counts, plan.coarse, table, plan.tables.step, sums);
    table.code = build_prefix_code(sums, longest_difference_code);
    bits += coded_bits(table.code, sums);
  }
  return bits;
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

uint32_t magnitude_at(const Differences& differences, size_t i, unsigned width) {
  uint32_t magnitude = 0;
  std::memcpy(&magnitude, differences.magnitudes + i * width, width);
  return magnitude;
}

// Lists the changed elements with quiet keys.
Patch* list_patches(const Differences& differences, size_t count, const Plan& plan, Scratch& scratch) {
  Patch* const patches = scratch.take<Patch>(plan.patches);
  uint8_t listed[most_keys];  // masks of symbols, so that one branch that is hardly ever taken decides
  for (unsigned key = 0; key < most_keys; ++key) listed[key] = plan.quiet[key] ? 0xff : 0;
  size_t next = 0;
  for (size_t i = 0; plan.patches != 0 && i < count; ++i) {
    const unsigned pair = differences.pairs[i];
    if ((pair & listed[pair >> 8]) == 0) continue;
    patches[next++] = {i, uint64_t{magnitude_at(differences, i, plan.shape.width)} * 2 - 1 + (pair & 1)};
  }
  return patches;
}

}  // namespace

size_t encode_conditioned(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!has_differences(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const DifferenceShape shape = measure_shape(block);
  const size_t count = block.length / shape.width;
  const Differences differences = take_differences(scratch, count, shape.width);
  kernels().classify_differences(block.raw, block.base, count, shape, differences);
  KeyCounts counts = count_by_key(differences.pairs, count, scratch);
  Plan plan = make_plan(counts, count, count, shape, most_tables, scratch);
  if (!plan.possible) return does_not_fit;
  const uint64_t stream_bits = build_codes(counts, plan);
  if (stream_bits / 8 >= capacity) return does_not_fit;

  uint8_t* const head = scratch.take<uint8_t>(longest_head(count, plan.patches));
  const Patch* const patches = list_patches(differences, count, plan, scratch);
  const auto head_length = static_cast<size_t>(write_head(plan, patches, plan.patches, count, key_bits_of(block.element), head) - head);
  if (head_length >= capacity) return does_not_fit;
  std::memcpy(out, head, head_length);

  uint32_t* const entries = scratch.take<uint32_t>(most_keys * 256);
  fill_entries(counts, plan, entries);
  const size_t streams = write_streams(differences, count, shape.width, entries, stream_bits, out + head_length, capacity - head_length);
  return streams == does_not_fit ? does_not_fit : head_length + streams;
}

bool decode_conditioned(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  const Scratch::Scope scope(scratch);
  Head head{};
  if (!read_head(stored, target, head)) return false;
  SymbolMeaning meanings[256];
  fill_meanings(head.shape, meanings);
  CodedDifferences coded{};
  coded.base = target.base;
  coded.count = target.length / head.shape.width;
  uint32_t keys[most_keys];
  if (!open_streams(head.end, stored.data + stored.length, head.shape, head.tables, meanings, scratch, keys, coded)) return false;
  if (!kernels().unpack_differences(coded, head.shape, target.raw)) return false;
  head.patches.apply(head.shape, target);
  return true;
}

size_t estimate_conditioned(const RawBlock& block, Scratch& scratch) {
  if (!has_differences(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const Sampled sampled = sample_differences(block, measure_shape(block), scratch);
  KeyCounts counts = count_by_key(sampled.differences.pairs, sampled.count, scratch);
  const Plan plan = make_plan(counts, sampled.count, block.length / sampled.shape.width, sampled.shape, most_tables, scratch);
  return plan.possible ? estimate_of(plan, sampled.count, block.length / sampled.shape.width) : does_not_fit;
}

}  // namespace cairn
