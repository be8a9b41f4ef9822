// conditioned-parts, encoding (conditioned_parts.md).
#include "codecs/conditioned.h"
#include "codecs/conditioned_parts.h"
#include "codecs/plane_counts.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t most_width = 4;

// Extends the first and the last range over keys that the sample may have missed.
void cover_all_keys(KeyTables& tables, unsigned last_key) {
  KeyTable& first = tables.tables[0];
  KeyTable& last = tables.tables[tables.count - 1];
  if (!first.shifted) first.first_key = 0;
  if (!last.shifted) last.last_key = static_cast<uint8_t>(last_key);
}

// A block while it is taken apart.
struct Parting {
  const RawBlock& block;
  const DifferenceShape shape;
  const size_t count;
  KeyMap map;
  const Symbols meaning;
  bool any_quiet = false;
  unsigned part_count;
  Lists lists{};
  uint8_t* low_start;
  BitWriter low;
  uint8_t* low_end = nullptr;
  Patch* patches = nullptr;
  size_t patch_count = 0;
  bool all_fit_patches = true;

  Parting(const RawBlock& of, const Plan& plan, Scratch& scratch)
      : block(of),
        shape(plan.shape),
        count(of.length / plan.shape.width),
        map(plan.tables),
        meaning(plan.shape),
        low_start(scratch.take<uint8_t>(of.length)),
        low(low_start) {
    for (unsigned key = 0; key < most_keys; ++key) {
      if (plan.quiet[key]) map.parts[key] |= quiet_part;
      any_quiet = any_quiet || plan.quiet[key];
    }
    if (any_quiet) patches = scratch.take<Patch>(count);
    part_count = plan.tables.count;
    lists.allocate(part_count, count, scratch);
  }

  // False where a key, a symbol or a patch has no place in these tables, or patches are far from rare.
  bool take_apart() {
    uint8_t* ends[most_parts + 1];
    std::copy(lists.starts, lists.starts + most_parts + 1, ends);
    alignas(64) uint8_t parts[tile + slack], symbols[tile + slack], magnitudes[tile * most_width + slack];
    for (size_t first = 0; first < count; first += tile) {
      const size_t n = std::min(tile, count - first), at = first * shape.width;
      kernels().take_symbols(block.raw + at, block.base + at, n, shape, symbols, magnitudes);
      kernels().find_parts(block.base + at, n, shape, map.parts, parts);
      if (any_quiet) take_patches(first, n, parts, symbols, magnitudes);
      kernels().pack_low_bits(symbols, magnitudes, n, shape, meaning.bits_of, low);
      if (map.shifted && !shift_symbols(block.base + at, n, symbols)) return false;
      kernels().part_symbols(symbols, parts, n, part_count, ends);
    }
    for (unsigned part = 0; part <= most_parts; ++part) lists.counts[part] = static_cast<size_t>(ends[part] - lists.starts[part]);
    low_end = low.finish();
    return all_fit_patches && lists.counts[no_part] == 0 && patch_count <= count / 8;
  }

 private:
  // Lists what changed where keys are quiet, as unchanged from there on.
  void take_patches(size_t first, size_t n, uint8_t* parts, uint8_t* symbols, const uint8_t* magnitudes) {
    constexpr uint64_t tops = 0x8080808080808080;
    std::memset(symbols + n, 0, 8);
    for (size_t i = 0; i < n; i += 8) {
      const uint64_t of = load_u64(parts + i), all = load_u64(symbols + i);
      uint64_t changed = (((all & ~tops) + ~tops) | all) & of & tops;
      store_u64(parts + i, of & ~tops);
      for (; changed != 0; changed &= changed - 1) take_patch(first, i + static_cast<unsigned>(__builtin_ctzll(changed)) / 8, symbols, magnitudes);
    }
  }

  void take_patch(size_t first, size_t i, uint8_t* symbols, const uint8_t* magnitudes) {
    uint32_t magnitude = 0;
    std::memcpy(&magnitude, magnitudes + i * shape.width, shape.width);
    // Half of all patterns away is further than a patch can say, as its symbol can't either.
    all_fit_patches = all_fit_patches && !meaning.meanings[symbols[i]].refused;
    patches[patch_count++] = {first + i, uint64_t{magnitude} * 2 - 1 + (symbols[i] & 1)};
    symbols[i] = 0;
  }

  // False where a symbol has no meaning, or none when it is shifted.
  bool shift_symbols(const uint8_t* base, size_t n, uint8_t* symbols) const {
    alignas(64) uint8_t shifts[tile + slack];
    kernels().find_parts(base, n, shape, map.shifts, shifts);
    unsigned refused = 0;
    for (size_t i = 0; i < n; ++i) {
      const unsigned shifted = unsigned{symbols[i]} + shifts[i];
      refused |= (shifted > 255 ? 1u : 0u) | (symbols[i] >= meaning.limit ? 1u : 0u);
      symbols[i] = static_cast<uint8_t>(shifted);
    }
    return refused == 0;
  }
};

// A sample of a list's symbols, in which all that occur count at least once.
void count_list(const uint8_t* symbols, size_t n, Scratch& scratch, uint32_t counts[256]) {
  constexpr size_t sample = 16384;
  if (n < 2 * sample) return kernels().count_bytes(symbols, n, counts);
  count_sample(symbols, n, sample, scratch, counts);
  kernels().note_uncounted(symbols, n, counts);
}

// Makes the codes of all tables. False where a symbol has no meaning.
bool build_codes(const Lists& lists, const SymbolMeaning meanings[256], Scratch& scratch, KeyTables& tables) {
  for (unsigned i = 0; i < tables.count; ++i) {
    KeyTable& table = tables.tables[i];
    uint32_t counts[256] = {};
    if (lists.counts[i] == 0) counts[0] = 1;
    else count_list(lists.starts[i], lists.counts[i], scratch, counts);
    for (unsigned symbol = 0; symbol < 256 && !table.shifted; ++symbol) {
      if (counts[symbol] != 0 && meanings[symbol].refused) return false;
    }
    table.code = build_prefix_code(counts, longest_difference_code);
  }
  return true;
}

void fill_entries(const PrefixCode& code, uint16_t entries[256]) {
  uint16_t codes[256];
  assign_codes(code, codes);
  for (unsigned symbol = 0; symbol < 256; ++symbol) entries[symbol] = static_cast<uint16_t>(codes[symbol] | code.lengths[symbol] << entry_length_shift);
}

// Writes the streams of all parts and their lengths. Returns the bytes written, or does_not_fit.
size_t write_part_streams(const Lists& lists, const KeyTables& tables, size_t count, Scratch& scratch, uint8_t* out, size_t capacity) {
  const size_t most = (count / part_streams + 2 * most_parts) * longest_difference_code / 8 + slack;
  BitWriter streams[part_streams];
  uint8_t* starts[part_streams];
  if ((most_parts + part_streams) * number_bytes > capacity) return does_not_fit;
  for (unsigned s = 0; s < part_streams; ++s) streams[s] = BitWriter(starts[s] = scratch.take<uint8_t>(most));
  for (unsigned part = 0; part < tables.count; ++part) {
    if (tables.tables[part].code.lone()) continue;
    uint16_t entries[256];
    fill_entries(tables.tables[part].code, entries);
    kernels().append_part(lists.starts[part], lists.counts[part], entries, streams);
  }
  size_t used = 0;
  for (unsigned part = 0; part + 1 < tables.count; ++part, used += number_bytes) put_number(lists.counts[part], out + used);
  uint8_t* const lengths = out + used;
  used += part_streams * number_bytes;
  for (unsigned s = 0; s < part_streams; ++s) {
    const auto length = static_cast<size_t>(streams[s].finish() - starts[s]);
    if (length > greatest_number || used + length > capacity) return does_not_fit;
    put_number(length, lengths + s * number_bytes);
    std::memcpy(out + used, starts[s], length);
    used += length;
  }
  return used;
}

}  // namespace

Outcome encode_planned(Plan plan, const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  cover_all_keys(plan.tables, last_key_of(plan.shape));
  Parting parting(block, plan, scratch);
  if (!parting.take_apart() || !build_codes(parting.lists, parting.meaning.meanings, scratch, plan.tables)) return {false, does_not_fit};
  uint8_t* const head = scratch.take<uint8_t>(longest_head(parting.count, parting.patch_count));
  const auto head_length = static_cast<size_t>(write_head(plan, parting.patches, parting.patch_count, parting.count, key_bits_of(block.element), head) - head);
  const auto low_length = static_cast<size_t>(parting.low_end - parting.low_start);
  if (head_length + low_length >= capacity) return {true, does_not_fit};
  const size_t streams = write_part_streams(parting.lists, plan.tables, parting.count, scratch, out + head_length, capacity - head_length - low_length);
  if (streams == does_not_fit) return {true, does_not_fit};
  std::memcpy(out, head, head_length);
  std::memcpy(out + head_length + streams, parting.low_start, low_length);
  return {true, head_length + streams + low_length};
}

bool is_misled(const Plan& plan, size_t counted, size_t count, const Outcome& outcome) {
  if (counted == count || outcome.length == does_not_fit) return false;
  const size_t estimate = estimate_of(plan, counted, count);
  return outcome.length > estimate + estimate / 8 + count / 128;
}

size_t encode_conditioned_parts(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!has_differences(block)) return does_not_fit;
  const DifferenceShape shape = measure_shape(block);
  const size_t count = block.length / shape.width;
  for (const bool whole : {false, true}) {
    const Scratch::Scope scope(scratch);
    const Sampled sampled = whole ? all_differences(block, shape, scratch) : sample_differences(block, shape, scratch);
    KeyCounts counts = count_by_key(sampled.differences.pairs, sampled.count, scratch);
    const Plan plan = make_plan(counts, sampled.count, count, sampled.shape, most_chosen_parts, scratch);
    if (!plan.possible) continue;
    const Outcome outcome = encode_planned(plan, block, scratch, out, capacity);
    if (outcome.possible && !is_misled(plan, sampled.count, count, outcome)) return outcome.length;
  }
  return does_not_fit;
}

}  // namespace cairn
