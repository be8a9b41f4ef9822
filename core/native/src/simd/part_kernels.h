// The inner loops of codecs/conditioned_parts.md, written once and compiled per instruction set by *_conditioned.cc. All of it
// is always inlined or in an unnamed namespace, so that no two instruction sets share a copy.
#pragma once

#include "codecs/conditioned_tables.h"
#include "codecs/part_streams.h"
#include "simd/difference_order.h"
#include "simd/kernels.h"
#include "simd/stream_lookups.h"

namespace cairn {
namespace {

// Elements that are worked on in one go: of which low bits are read before vectors read what that wrote.
constexpr size_t run = 256;

// Asks for what lies some way behind two ranges of which so many bytes are worked on now: a little at a time, because what is asked for
// all at once is waited for. Behind the end of a block there may be nothing, which asking does not touch.
CAIRN_INLINE void fetch_ahead(const uint8_t* one, const uint8_t* two, size_t bytes) {
  constexpr size_t distance = 8192, line = 64;
  for (size_t at = distance; at < distance + bytes; at += line) {
    __builtin_prefetch(one + at);
    __builtin_prefetch(two + at);
  }
}

// Does `work` run by run: it is given the first element and how many.
template <class Work>
CAIRN_INLINE void by_runs(const uint8_t* one, const uint8_t* two, size_t n, unsigned width, const Work& work) {
  for (size_t first = 0; first < n; first += run) {
    const size_t here = n - first < run ? n - first : run;
    fetch_ahead(one + first * width, two + first * width, here * width);
    work(first, here);
  }
}

// ---- parts

template <class T>
CAIRN_INLINE void find_parts_as(const uint8_t* base_bytes, size_t n, const DifferenceShape& shape, const uint8_t map[256], uint8_t* __restrict parts) {
  const auto* const base = reinterpret_cast<const Unaligned<T>*>(base_bytes);
  const Order<T> order(shape);
  for (size_t i = 0; i < n; ++i) parts[i] = map[order.key(base[i])];
}

void find_parts(const uint8_t* base, size_t n, const DifferenceShape& shape, const uint8_t map[256], uint8_t* parts) {
  switch (shape.width) {
    case 1: return find_parts_as<uint8_t>(base, n, shape, map, parts);
    case 2: return find_parts_as<uint16_t>(base, n, shape, map, parts);
    default: return find_parts_as<uint32_t>(base, n, shape, map, parts);
  }
}

void part_symbols(const uint8_t* symbols, const uint8_t* parts, size_t n, unsigned, uint8_t* ends[most_parts + 1]) {
  uint8_t* at[most_parts + 1];
  for (unsigned part = 0; part <= most_parts; ++part) at[part] = ends[part];
  for (size_t i = 0; i < n; ++i) *at[parts[i]]++ = symbols[i];
  for (unsigned part = 0; part <= most_parts; ++part) ends[part] = at[part];
}

void place_symbols(const uint8_t* parts, size_t n, unsigned, const uint8_t* nexts[most_parts + 1], uint8_t* symbols) {
  const uint8_t* at[most_parts + 1];
  for (unsigned part = 0; part <= most_parts; ++part) at[part] = nexts[part];
  for (size_t i = 0; i < n; ++i) symbols[i] = *at[parts[i]]++;
  for (unsigned part = 0; part <= most_parts; ++part) nexts[part] = at[part];
}

// ---- symbols and low bits

template <class T>
CAIRN_INLINE void take_symbols_as(const uint8_t* raw_bytes, const uint8_t* base_bytes, size_t n, const DifferenceShape& shape, uint8_t* __restrict symbols,
                                  uint8_t* magnitude_bytes) {
  const auto* const raw = reinterpret_cast<const Unaligned<T>*>(raw_bytes);
  const auto* const base = reinterpret_cast<const Unaligned<T>*>(base_bytes);
  auto* const __restrict magnitudes = reinterpret_cast<Unaligned<T>*>(magnitude_bytes);
  const Order<T> order(shape);
  const int sub_bits = shape.sub_bits;
  by_runs(raw_bytes, base_bytes, n, sizeof(T), [&](size_t first, size_t here) {
    for (size_t i = first; i < first + here; ++i) {
      const Taken<T> taken = take_difference<T>(order, raw[i], base[i], sub_bits);
      symbols[i] = taken.symbol;
      magnitudes[i] = taken.magnitude;
    }
  });
}

void take_symbols(const uint8_t* raw, const uint8_t* base, size_t n, const DifferenceShape& shape, uint8_t* symbols, uint8_t* magnitudes) {
  switch (shape.width) {
    case 1: return take_symbols_as<uint8_t>(raw, base, n, shape, symbols, magnitudes);
    case 2: return take_symbols_as<uint16_t>(raw, base, n, shape, symbols, magnitudes);
    default: return take_symbols_as<uint32_t>(raw, base, n, shape, symbols, magnitudes);
  }
}

template <class T>
CAIRN_INLINE void pack_low_bits_as(const uint8_t* symbols, const uint8_t* magnitude_bytes, size_t n, const SymbolBits bits_of[256], BitWriter& to) {
  const auto* const magnitudes = reinterpret_cast<const Unaligned<T>*>(magnitude_bytes);
  constexpr size_t together = sizeof(T) <= 2 ? 4 : 1;  // so many are certain to fit 56 bits
  BitWriter out = to;
  size_t i = 0;
  for (; i + together <= n; i += together) {
    uint64_t bits = 0;
    unsigned count = 0;
#pragma GCC unroll 4
    for (size_t j = 0; j < together; ++j) {
      const unsigned low_bits = low_bits_of(bits_of[symbols[i + j]]);
      bits |= keep_low(magnitudes[i + j], low_bits) << count;
      count += low_bits;
    }
    out.put(bits, count);
  }
  for (; i < n; ++i) {
    const unsigned low_bits = low_bits_of(bits_of[symbols[i]]);
    out.put(keep_low(magnitudes[i], low_bits), low_bits);
  }
  to = out;
}

void pack_low_bits(const uint8_t* symbols, const uint8_t* magnitudes, size_t n, const DifferenceShape& shape, const SymbolBits bits_of[256], BitWriter& out) {
  switch (shape.width) {
    case 1: return pack_low_bits_as<uint8_t>(symbols, magnitudes, n, bits_of, out);
    case 2: return pack_low_bits_as<uint16_t>(symbols, magnitudes, n, bits_of, out);
    default: return pack_low_bits_as<uint32_t>(symbols, magnitudes, n, bits_of, out);
  }
}

// Bits from in.position on: at least 57 where 8 bytes can be read there, else as many as there are and then zeros.
CAIRN_INLINE uint64_t bits_from(const BitsIn& in) {
  if ((in.position >> 3) + 8 <= in.length) return bits_at(in.bytes, in.position);
  return bits_near_end(in.bytes, in.length, in.position);
}

// Zigzagged differences of symbols and their low bits, four from one load where elements are narrow.
template <class T>
CAIRN_INLINE void join_low_bits(const uint8_t* symbols, size_t n, const SymbolBits bits_of[256], BitsIn& from, Unaligned<T>* zigzags) {
  BitsIn in = from;
  size_t i = 0;
  constexpr unsigned step_bytes = 24;  // that four elements take and their loads look at
  for (; i + 4 <= n && (in.position >> 3) + step_bytes <= in.length; i += 4) {
    uint64_t bits = bits_at(in.bytes, in.position);
#pragma GCC unroll 4
    for (unsigned j = 0; j < 4; ++j) {
      const SymbolBits of = bits_of[symbols[i + j]];
      zigzags[i + j] = static_cast<T>(least_of(of) + 2 * keep_low(bits, low_bits_of(of)));
      in.position += low_bits_of(of);
      bits = sizeof(T) <= 2 ? bits >> (low_bits_of(of) & 63) : bits_at(in.bytes, in.position);
    }
  }
  for (; i < n; ++i) {
    const SymbolBits of = bits_of[symbols[i]];
    zigzags[i] = static_cast<T>(least_of(of) + 2 * keep_low(bits_from(in), low_bits_of(of)));
    in.position += low_bits_of(of);
  }
  from = in;
}

template <class T>
CAIRN_INLINE void restore_symbols_as(const uint8_t* base, const uint8_t* symbols, size_t n, const DifferenceShape& shape, const SymbolBits bits_of[256], BitsIn& low,
                                     uint8_t* raw) {
  const Order<T> order(shape);
  by_runs(base, raw, n, sizeof(T), [&](size_t first, size_t here) {
    auto* const zigzags = reinterpret_cast<Unaligned<T>*>(raw + first * sizeof(T));
    join_low_bits<T>(symbols + first, here, bits_of, low, zigzags);
    restore_as<T>(base + first * sizeof(T), zigzags, here, order, raw + first * sizeof(T));
  });
}

void restore_symbols(const uint8_t* base, const uint8_t* symbols, size_t n, const DifferenceShape& shape, const SymbolBits bits_of[256], BitsIn& low, uint8_t* raw) {
  switch (shape.width) {
    case 1: return restore_symbols_as<uint8_t>(base, symbols, n, shape, bits_of, low, raw);
    case 2: return restore_symbols_as<uint16_t>(base, symbols, n, shape, bits_of, low, raw);
    default: return restore_symbols_as<uint32_t>(base, symbols, n, shape, bits_of, low, raw);
  }
}

// ---- codes

CAIRN_INLINE void append_codes(const uint8_t* symbols, size_t n, const uint16_t entries[256], BitWriter& out) {
  constexpr unsigned code_mask = (1u << entry_length_shift) - 1;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    uint64_t bits = 0;
    unsigned count = 0;
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      const unsigned entry = entries[symbols[i + j]];
      bits |= uint64_t{entry & code_mask} << count;
      count += entry >> entry_length_shift;
    }
    out.put(bits, count);
  }
  for (; i < n; ++i) out.put(entries[symbols[i]] & code_mask, entries[symbols[i]] >> entry_length_shift);
}

// Where the symbols of a part lie that belong to a stream.
struct Share {
  size_t begin, size;

  CAIRN_INLINE Share(size_t n, unsigned stream) {
    const size_t per = (n + part_streams - 1) / part_streams, end = (stream + 1) * per;
    begin = stream * per < n ? stream * per : n;
    size = (end < n ? end : n) - begin;
  }
};

void append_part(const uint8_t* symbols, size_t n, const uint16_t entries[256], BitWriter streams[part_streams]) {
  for (unsigned s = 0; s < part_streams; ++s) {
    const Share share(n, s);
    BitWriter out = streams[s];
    append_codes(symbols + share.begin, share.size, entries, out);
    streams[s] = out;
  }
}

// Where the symbols of a part are to be found and where they belong.
struct PartIn {
  const uint8_t* bytes;
  size_t length;
  uint8_t* symbols;
  size_t n;

  CAIRN_INLINE Cursor cursor(unsigned stream, uint64_t position) const {
    const Share share(n, stream);
    const size_t at = position >> 3 < length ? static_cast<size_t>(position >> 3) : length;
    uint8_t* const out = symbols + share.begin;
    return {bytes + at, static_cast<unsigned>(position & 7), out, bytes + length, out + share.size};
  }
};

// What rounds leave of a stream, symbol by symbol. Returns where it goes on.
CAIRN_INLINE uint64_t decode_rest_of_part(const PartIn& part, const Cursor& cursor, uint64_t position, const SymbolLookup<longest_difference_code>& lookup) {
  BitsIn in{part.bytes, part.length, position};
  for (uint8_t* out = cursor.out; out < cursor.out_end; ++out) {
    const unsigned entry = lookup.table[keep_low(bits_from(in), static_cast<unsigned>(lookup.index_bits))];
    in.position += entry & 63;
    *out = static_cast<uint8_t>(entry >> 8);
  }
  return in.position;
}

template <class Lookup>
CAIRN_INLINE void decode_part_with(const PartIn& part, uint64_t positions[part_streams], const Lookup& lookup, const SymbolLookup<longest_difference_code>& single) {
  Cursor cursors[part_streams];
  for (unsigned s = 0; s < part_streams; ++s) cursors[s] = part.cursor(s, positions[s]);
  decode_rounds<part_streams>(cursors, lookup, FetchNothing());
  for (unsigned s = 0; s < part_streams; ++s) {
    decode_rounds<1>(cursors + s, single, FetchNothing());
    const bool inside = positions[s] >> 3 < part.length;
    const uint64_t position = static_cast<uint64_t>(cursors[s].in - part.bytes) * 8 + cursors[s].skipped;
    positions[s] = decode_rest_of_part(part, cursors[s], inside ? position : positions[s], single);
  }
}

// As Kernels::decode_part. `make` is make_groups or as it, which pays from `fewest` symbols on.
template <class Make>
CAIRN_INLINE void decode_part_by(const PartIn& part, uint64_t positions[part_streams], const PrefixCode& code, size_t fewest, const Make& make) {
  const bool by_groups = part.n >= fewest;
  const unsigned index_bits = by_groups ? longest_difference_code : longest_code(code);
  uint16_t symbols[(1u << longest_difference_code) + 1];
  fill_symbol_table(code, index_bits, symbols);
  const SymbolLookup<longest_difference_code> single{symbols, index_bits};
  if (!by_groups) return decode_part_with(part, positions, single, single);
  alignas(64) Group groups[1u << longest_difference_code];
  make(symbols, groups);
  decode_part_with(part, positions, GroupLookup<longest_difference_code>(groups), single);
}

void decode_part(const uint8_t* bytes, size_t length, uint64_t positions[part_streams], const PrefixCode& code, uint8_t* symbols, size_t n) {
  decode_part_by({bytes, length, symbols, n}, positions, code, 16384, make_groups<longest_difference_code>);
}

void add_part_kernels(Kernels& table) {
  table.find_parts = find_parts;
  table.part_symbols = part_symbols;
  table.place_symbols = place_symbols;
  table.take_symbols = take_symbols;
  table.pack_low_bits = pack_low_bits;
  table.restore_symbols = restore_symbols;
  table.append_part = append_part;
  table.decode_part = decode_part;
}

}  // namespace
}  // namespace cairn
