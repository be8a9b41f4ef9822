// conditioned-parts, decoding (conditioned_parts.md).
#include "codecs/conditioned.h"
#include "codecs/conditioned_parts.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

// The streams of a block while they are decoded: bit positions in bytes[0 .. length).
struct Streams {
  const uint8_t* bytes;
  size_t length;
  uint64_t positions[part_streams];
  size_t ends[part_streams];  // the low bits start at the last one

  // False where the lengths contradict what is there.
  bool open(const uint8_t* from, const uint8_t* end) {
    constexpr size_t lengths = part_streams * number_bytes;
    if (static_cast<size_t>(end - from) < lengths) return false;
    bytes = from + lengths;
    length = static_cast<size_t>(end - bytes);
    size_t at = 0;
    for (unsigned s = 0; s < part_streams; ++s) {
      const size_t own = get_number(from + s * number_bytes);
      if (own > length - at) return false;
      positions[s] = uint64_t{at} * 8;
      ends[s] = at += own;
    }
    return true;
  }

  // Whether what was read up to `position` ends at the byte `end`, after fewer than 8 bits of zero.
  bool ends_at(uint64_t position, size_t end) const {
    const uint64_t stop = uint64_t{end} * 8;
    return position <= stop && stop - position < 8 && (position == stop || bytes[position >> 3] >> (position & 7) == 0);
  }

  bool finished() const {
    for (unsigned s = 0; s < part_streams; ++s) {
      if (!ends_at(positions[s], ends[s])) return false;
    }
    return true;
  }
};

// Reads how many elements each part has; the last one has those that are left. Returns the byte after them, or null.
const uint8_t* read_counts(const uint8_t* from, const uint8_t* end, unsigned parts, size_t elements, Lists& lists) {
  if (static_cast<size_t>(end - from) < (parts - 1) * number_bytes) return nullptr;
  size_t left = elements;
  for (unsigned part = 0; part + 1 < parts; ++part, from += number_bytes) {
    lists.counts[part] = get_number(from);
    if (lists.counts[part] > left) return nullptr;
    left -= lists.counts[part];
  }
  lists.counts[parts - 1] = left;
  return from;
}

void decode_lists(const KeyTables& tables, const Lists& lists, Streams& streams) {
  for (unsigned part = 0; part < tables.count; ++part) {
    const PrefixCode& code = tables.tables[part].code;
    const size_t n = lists.counts[part];
    if (code.lone()) {
      std::memset(lists.starts[part], code.first, n);
    } else if (n != 0) {
      kernels().decode_part(streams.bytes, streams.length, streams.positions, code, lists.starts[part], n);
    }
  }
}

// False where a table that isn't shifted has a symbol without a meaning: then every element of its part has one that has.
bool have_meanings(const KeyTables& tables, const SymbolMeaning meanings[256]) {
  for (unsigned i = 0; i < tables.count; ++i) {
    const KeyTable& table = tables.tables[i];
    for (unsigned symbol = table.code.first; symbol <= table.code.last && !table.shifted; ++symbol) {
      const bool has_code = table.code.lone() || table.code.lengths[symbol] != 0;
      if (has_code && meanings[symbol].refused) return false;
    }
  }
  return true;
}

// Undoes shifts; false where a symbol gets negative or has no meaning.
bool unshift_symbols(const uint8_t* shifts, size_t n, unsigned symbol_limit, uint8_t* symbols) {
  unsigned refused = 0;
  for (size_t i = 0; i < n; ++i) {
    const unsigned symbol = symbols[i];
    refused |= (symbol < shifts[i] ? 1u : 0u) | (symbol - shifts[i] >= symbol_limit ? 1u : 0u) | (symbol - shifts[i] == 1 ? 1u : 0u);
    symbols[i] = static_cast<uint8_t>(symbol - shifts[i]);
  }
  return refused == 0;
}

// Puts each element together from its base, the next symbol of its part and the next low bits.
bool join_parts(const Head& head, const Lists& lists, const Symbols& meaning, const Streams& streams, const RawTarget& target) {
  const KeyMap map(head.tables);
  const uint8_t* nexts[most_parts + 1];
  std::copy(lists.starts, lists.starts + most_parts + 1, nexts);
  BitsIn low{streams.bytes, streams.length, uint64_t{streams.ends[part_streams - 1]} * 8};
  const size_t count = target.length / head.shape.width;
  alignas(64) uint8_t parts[tile + slack], symbols[tile + slack];
  for (size_t first = 0; first < count; first += tile) {
    const size_t n = std::min(tile, count - first), at = first * head.shape.width;
    kernels().find_parts(target.base + at, n, head.shape, map.parts, parts);
    kernels().place_symbols(parts, n, head.tables.count, nexts, symbols);
    if (map.shifted) {
      kernels().find_parts(target.base + at, n, head.shape, map.shifts, parts);
      if (!unshift_symbols(parts, n, meaning.limit, symbols)) return false;
    }
    kernels().restore_symbols(target.base + at, symbols, n, head.shape, meaning.bits_of, low, target.raw + at);
  }
  if (!lists.end_at(nexts) || !streams.ends_at(low.position, streams.length)) return false;
  head.patches.apply(head.shape, target);
  return true;
}

}  // namespace

bool decode_conditioned_parts(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  const Scratch::Scope scope(scratch);
  Head head{};
  if (!read_head(stored, target, head)) return false;
  const size_t count = target.length / head.shape.width;
  const uint8_t* const end = stored.data + stored.length;
  Lists lists{};
  Streams streams{};
  const uint8_t* const lengths = read_counts(head.end, end, head.tables.count, count, lists);
  const Symbols meaning(head.shape);
  if (lengths == nullptr || !streams.open(lengths, end) || !have_meanings(head.tables, meaning.meanings)) return false;
  lists.allocate(count, scratch);
  decode_lists(head.tables, lists, streams);
  return streams.finished() && join_parts(head, lists, meaning, streams, target);
}

}  // namespace cairn
