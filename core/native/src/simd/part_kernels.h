// The inner loops of codecs/conditioned_parts.md, written once and compiled per instruction set by *_conditioned.cc. All of it
// is always inlined or in an unnamed namespace, so that no two instruction sets share a copy.
#pragma once

#include "codecs/part_streams.h"
#include "simd/difference_order.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

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
  for (size_t i = 0; i < n; ++i) {
    const Taken<T> taken = take_difference<T>(order, raw[i], base[i], sub_bits);
    symbols[i] = taken.symbol;
    magnitudes[i] = taken.magnitude;
  }
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
  auto* const zigzags = reinterpret_cast<Unaligned<T>*>(raw);
  join_low_bits<T>(symbols, n, bits_of, low, zigzags);
  restore_as<T>(base, zigzags, n, Order<T>(shape), raw);
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

constexpr unsigned codes_a_load = 5;  // of at most 11 bits: as many as are certain to be in 56

struct PartTable {
  const uint16_t* entries;
  unsigned index_bits;

  CAIRN_INLINE unsigned find(uint64_t bits) const { return entries[keep_low(bits, index_bits)]; }
};

// Decodes rounds of codes_a_load symbols of each of the eight streams to rows of a tile.
template <size_t row_length>
CAIRN_INLINE void decode_rounds(const PartTable table, const uint8_t* bytes, size_t rounds, uint64_t positions[part_streams], uint8_t (*rows)[row_length]) {
  const uint8_t* in[part_streams];
  uint64_t bits[part_streams];
  constexpr uint64_t mark = uint64_t{1} << 63;  // however bits are consumed, the zeros above the mark count them
  for (unsigned s = 0; s < part_streams; ++s) {
    in[s] = bytes + (positions[s] >> 3);
    bits[s] = (load_u64(in[s]) | mark) >> (positions[s] & 7);
  }
  for (size_t at = 0; at < rounds * codes_a_load; at += codes_a_load) {
#pragma GCC unroll 5
    for (unsigned i = 0; i < codes_a_load; ++i) {
#pragma GCC unroll 8
      for (unsigned s = 0; s < part_streams; ++s) {
        const unsigned entry = table.find(bits[s]);
        bits[s] >>= entry & 63;
        rows[s][at + i] = static_cast<uint8_t>(entry >> 8);
        asm volatile("" ::: "memory");  // a byte at a time: joining four costs more than storing them
      }
    }
#pragma GCC unroll 8
    for (unsigned s = 0; s < part_streams; ++s) {
      const auto used = static_cast<unsigned>(__builtin_clzll(bits[s]));
      in[s] += used >> 3;
      bits[s] = (load_u64(in[s]) | mark) >> (used & 7);
    }
  }
  for (unsigned s = 0; s < part_streams; ++s) {
    positions[s] = static_cast<uint64_t>(in[s] - bytes) * 8 + static_cast<unsigned>(__builtin_clzll(bits[s]));
  }
}

// Rounds that read nothing behind the end: each takes less than 7 bytes of a stream, and 8 are read once more.
CAIRN_INLINE size_t count_rounds(const uint64_t positions[part_streams], size_t length, size_t wanted) {
  size_t rounds = wanted;
  for (unsigned s = 0; s < part_streams; ++s) {
    const uint64_t at = (positions[s] >> 3) + 16;
    const size_t possible = at >= length ? 0 : (length - at) / 7;
    rounds = possible < rounds ? possible : rounds;
  }
  return rounds;
}

CAIRN_INLINE void copy_symbols(const uint8_t* from, size_t n, uint8_t* to) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) store_u64(to + i, load_u64(from + i));
  for (; i < n; ++i) to[i] = from[i];
}

void decode_part(const uint8_t* bytes, size_t length, uint64_t positions[part_streams], const uint16_t* entries, unsigned index_bits, uint8_t* symbols, size_t n) {
  constexpr size_t tile_rounds = 96;
  const PartTable table{entries, index_bits};
  const size_t per = (n + part_streams - 1) / part_streams;
  const size_t common = n > (part_streams - 1) * per ? n - (part_streams - 1) * per : 0;
  uint8_t rows[part_streams][tile_rounds * codes_a_load + 32];
  size_t done = 0;
  while (common - done >= codes_a_load) {
    const size_t wanted = (common - done) / codes_a_load;
    const size_t rounds = count_rounds(positions, length, wanted < tile_rounds ? wanted : tile_rounds);
    if (rounds == 0) break;
    decode_rounds(table, bytes, rounds, positions, rows);
    for (unsigned s = 0; s < part_streams; ++s) copy_symbols(rows[s], rounds * codes_a_load, symbols + s * per + done);
    done += rounds * codes_a_load;
  }
  for (unsigned s = 0; s < part_streams; ++s) {
    BitsIn in{bytes, length, positions[s]};
    const size_t end = (s + 1) * per < n ? (s + 1) * per : n;
    for (size_t i = s * per + done; i < end; ++i) {
      const unsigned entry = table.find(bits_from(in));
      in.position += entry & 63;
      symbols[i] = static_cast<uint8_t>(entry >> 8);
    }
    positions[s] = in.position;
  }
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
