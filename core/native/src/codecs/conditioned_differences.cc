#include "codecs/conditioned_differences.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t least_for_streams = 2048;
constexpr size_t sample_runs = 16, sample_run = 1024;  // elements

const uint8_t no_bits[16] = {};

// What a table gives for each of its coded symbols, where they are shifted up by so many.
template <class Entry>
void fill_symbol_entries(const PrefixCode& code, unsigned shift, const SymbolMeaning meanings[256], Entry entries[256]) {
  constexpr unsigned shift_of_least = sizeof(Entry) == 8 ? wide_least_shift : least_shift;
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    const unsigned length = code.lengths[symbol];
    const bool refused = symbol < shift || meanings[symbol - shift].refused;
    const SymbolMeaning meaning = refused ? SymbolMeaning{0, 0, true} : meanings[symbol - shift];
    entries[symbol] = static_cast<Entry>(length + meaning.low_bits) | static_cast<Entry>(length << code_bits_shift) |
                      (refused ? Entry{refused_entry} : Entry{0}) | static_cast<Entry>(meaning.least) << shift_of_least;
  }
}

template <class Entry>
void fill_entries(const PrefixCode& code, unsigned index_bits, const Entry by_symbol[256], Entry* entries) {
  const unsigned count = 1u << index_bits;
  if (code.lone()) {
    std::fill(entries, entries + count, by_symbol[code.first]);
    return;
  }
  uint16_t codes[256];
  assign_codes(code, codes);
  for (unsigned symbol = code.first; symbol <= code.last; ++symbol) {
    const unsigned length = code.lengths[symbol];
    if (length == 0) continue;
    for (unsigned index = codes[symbol]; index < count; index += 1u << length) entries[index] = by_symbol[symbol];
  }
}

// One table for each key of a shifted range, one for all keys of another. Keys outside all ranges get one that refuses.
template <class Entry>
const Entry* make_tables(const KeyTables& tables, unsigned index_bits, const SymbolMeaning meanings[256], Scratch& scratch, uint32_t* keys) {
  size_t needed = 1;
  for (unsigned i = 0; i < tables.count; ++i) needed += tables.tables[i].shifted ? tables.tables[i].last_key - tables.tables[i].first_key + 1 : 1;
  Entry* const entries = scratch.take<Entry>(needed << index_bits);
  std::fill(entries, entries + (size_t{1} << index_bits), Entry{refused_entry});
  std::fill(keys, keys + most_keys, 0u);
  uint32_t next = 0;
  Entry by_symbol[256];
  for (unsigned i = 0; i < tables.count; ++i) {
    const KeyTable& table = tables.tables[i];
    for (unsigned key = table.first_key; key <= table.last_key; ++key) {
      if (table.shifted || key == table.first_key) {
        next += 1u << index_bits;
        fill_symbol_entries(table.code, table.shift_of(key, tables.step), meanings, by_symbol);
        fill_entries(table.code, index_bits, by_symbol, entries + next);
      }
      keys[key] = next;
    }
  }
  return entries;
}

unsigned most_low_bits(const KeyTables& tables, const SymbolMeaning meanings[256]) {
  unsigned most = 0, last_symbol = 0;
  for (unsigned i = 0; i < tables.count; ++i) last_symbol = std::max<unsigned>(last_symbol, tables.tables[i].code.last);
  for (unsigned symbol = 0; symbol <= last_symbol; ++symbol) most = std::max<unsigned>(most, meanings[symbol].low_bits);
  return most;
}

}  // namespace

unsigned key_bits_of(Element element) {
  switch (element) {
    case Element::bfloat16:
    case Element::float32:
      return 8;
    case Element::float16:
    case Element::float8e5m2:
      return 5;
    case Element::float8e4m3:
      return 4;
    default:
      return 0;
  }
}

DifferenceShape shape_of(Element element) {
  const size_t width = width_of(element);
  return {static_cast<uint8_t>(width), static_cast<uint8_t>(width * 8 - 1 - key_bits_of(element)), 0, static_cast<uint8_t>(most_sub_bits(width))};
}

unsigned most_sub_bits(unsigned width) { return width == 4 ? 2 : 3; }

unsigned number_of(uint32_t magnitude, unsigned sub_bits) {
  if (magnitude < 1u << (sub_bits + 1)) return magnitude;
  const unsigned low_bits = 31 - static_cast<unsigned>(__builtin_clz(magnitude)) - sub_bits;
  return (low_bits << sub_bits) + (magnitude >> low_bits);
}

void fill_meanings(const DifferenceShape& shape, SymbolMeaning meanings[256]) {
  const unsigned sub_bits = shape.sub_bits;
  const unsigned most = number_of(1u << (shape.width * 8 - shape.trailing_bits - 1), sub_bits);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    const unsigned number = symbol >> 1;
    const unsigned low_bits = number < 2u << sub_bits ? 0 : (number >> sub_bits) - 1;
    if (number >= most || symbol == 1) {
      meanings[symbol] = {0, 0, true};
    } else {
      meanings[symbol] = {(number - (low_bits << sub_bits)) << low_bits << 1 | (symbol & 1), static_cast<uint8_t>(low_bits), false};
    }
  }
}

unsigned count_trailing_zeros(const uint8_t* raw, size_t length, const DifferenceShape& shape) {
  constexpr size_t run = 4096;  // where the lowest bit is used, it is so among the first elements
  uint64_t any = 0;
  for (size_t i = 0; i < length && (any & 1) == 0;) {
    const size_t stop = std::min(length, i + run);
    for (; i + 8 <= stop; i += 8) any |= load_u64(raw + i);
    for (; i < stop; ++i) any |= uint64_t{raw[i]} << (i % 8 * 8);
    for (unsigned bits = 32; bits >= shape.width * 8u; bits /= 2) any |= any >> bits;
  }
  const unsigned most = shape.mantissa_bits;
  unsigned zeros = 0;
  while (zeros < most && (any >> zeros & 1) == 0) ++zeros;
  return zeros;
}

Differences take_differences(Scratch& scratch, size_t count, unsigned width) {
  uint16_t* const pairs = scratch.take<uint16_t>(count);
  return {pairs, scratch.take<uint8_t>(count * width)};
}

DifferenceStreams::DifferenceStreams(size_t count)
    : streams(count < least_for_streams ? 1 : most_difference_streams), per_stream((count + streams - 1) / streams) {}

size_t write_streams(const Differences& from, size_t count, unsigned width, const uint32_t* entries, uint64_t bits, uint8_t* out, size_t capacity) {
  const DifferenceStreams layout(count);
  const size_t lengths = (layout.streams - 1) * stream_length_bytes;
  if (bits / 8 + lengths + layout.streams > capacity) return does_not_fit;
  uint8_t* at = out + lengths;
  for (unsigned stream = 0; stream < layout.streams; ++stream) {
    uint8_t* const start = at;
    at = kernels().pack_differences(from, layout.begin(stream, count), layout.begin(stream + 1, count), width, entries, at);
    const auto length = static_cast<size_t>(at - start);
    if (length > longest_stream) return does_not_fit;
    if (stream + 1 < layout.streams) std::memcpy(out + stream * stream_length_bytes, &length, stream_length_bytes);
  }
  return static_cast<size_t>(at - out);
}

bool open_streams(const uint8_t* from, const uint8_t* end, const DifferenceShape& shape, const KeyTables& tables, const SymbolMeaning meanings[256], Scratch& scratch,
                  uint32_t* key_memory, CodedDifferences& coded) {
  const DifferenceStreams layout(coded.count);
  const size_t lengths = (layout.streams - 1) * stream_length_bytes;
  if (static_cast<size_t>(end - from) < lengths) return false;
  coded.bytes = from + lengths;
  coded.length = static_cast<size_t>(end - coded.bytes);
  coded.streams = layout.streams;
  coded.per_stream = layout.per_stream;
  size_t start = 0;
  for (unsigned stream = 0; stream < layout.streams; ++stream) {
    coded.starts[stream] = start;
    size_t length = 0;
    if (stream + 1 < layout.streams) std::memcpy(&length, from + stream * stream_length_bytes, stream_length_bytes);
    if (length > coded.length - start) return false;
    start += length;
  }
  coded.starts[layout.streams] = coded.length;
  unsigned index_bits = 0;
  for (unsigned i = 0; i < tables.count; ++i) index_bits = std::max(index_bits, longest_code(tables.tables[i].code));
  if (shape.width == 4 && !coded.bytes_alone) {
    coded.entries = make_tables<uint64_t>(tables, index_bits, meanings, scratch, key_memory);
  } else {
    coded.entries = make_tables<uint32_t>(tables, index_bits, meanings, scratch, key_memory);
  }
  coded.keys = key_memory;
  coded.index_mask = (1u << index_bits) - 1;
  coded.longest_bits = index_bits + most_low_bits(tables, meanings);
  if (coded.longest_bits != 0) return true;
  // Nothing to read: every stream is empty, and the fast loop may run over zeros instead.
  if (coded.length != 0) return false;
  coded.bytes = no_bits;
  coded.length = sizeof no_bits;
  coded.starts[layout.streams] = 0;
  return true;
}

size_t take_sample(const RawBlock& block, Scratch& scratch, RawBlock& sample) {
  const size_t width = width_of(block.element), count = block.length / width;
  sample = block;
  if (count <= 2 * sample_runs * sample_run) return count;
  const size_t run_bytes = sample_run * width, bytes = sample_runs * run_bytes;
  uint8_t* const raw = scratch.take<uint8_t>(bytes);
  uint8_t* const base = scratch.take<uint8_t>(bytes);
  for (size_t run = 0; run < sample_runs; ++run) {
    const size_t from = (count - sample_run) * run / (sample_runs - 1) * width;
    std::memcpy(raw + run * run_bytes, block.raw + from, run_bytes);
    std::memcpy(base + run * run_bytes, block.base + from, run_bytes);
  }
  sample.raw = raw;
  sample.base = base;
  sample.length = bytes;
  return sample_runs * sample_run;
}

}  // namespace cairn
