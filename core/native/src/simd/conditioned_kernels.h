// The inner loops of codecs/conditioned.md, written once and compiled per instruction set by *_conditioned.cc. All of it
// is always inlined or in an unnamed namespace, so that no two instruction sets share a copy.
#pragma once

#include "codecs/bit_stream.h"
#include "codecs/conditioned_streams.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

// What the mapping of bit patterns to ordered integers needs, for elements of type T.
template <class T>
struct Order {
  T sign;     // the sign bit
  T kept;     // all bits but the trailing ones that the shape leaves out
  unsigned trailing;
  unsigned mantissa_bits;
  T key_mask;

  CAIRN_INLINE explicit Order(const DifferenceShape& shape)
      : sign(static_cast<T>(T{1} << (sizeof(T) * 8 - 1))),
        kept(static_cast<T>(static_cast<T>(~T{0}) << shape.trailing_bits)),
        trailing(shape.trailing_bits),
        mantissa_bits(shape.mantissa_bits),
        key_mask(static_cast<T>((T{1} << (sizeof(T) * 8 - 1 - shape.mantissa_bits)) - 1)) {}

  // All ones where the pattern has its sign bit set.
  CAIRN_INLINE T negative(T pattern) const { return static_cast<T>(T{0} - static_cast<T>(pattern >> (sizeof(T) * 8 - 1))); }
  CAIRN_INLINE T to_ordered(T pattern) const { return static_cast<T>(pattern ^ ((negative(pattern) | sign) & kept)); }
  CAIRN_INLINE T from_ordered(T ordered) const {
    return static_cast<T>(ordered ^ ((static_cast<T>(~negative(ordered)) | sign) & kept));
  }
  CAIRN_INLINE uint8_t key(T pattern) const { return static_cast<uint8_t>(static_cast<T>(pattern >> mantissa_bits) & key_mask); }
};

template <class T>
CAIRN_INLINE T load_element(const uint8_t* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
CAIRN_INLINE void store_element(uint8_t* to, T value) { __builtin_memcpy(to, &value, sizeof value); }

// Magnitude number of codecs/conditioned.md: the class and `sub_bits` bits under the leading one. The exponent and the top
// of the mantissa of a float are just that; it is exact below 2^24, and above that the lowest bits are of no interest.
template <class T>
CAIRN_INLINE uint32_t number_magnitude(T magnitude, unsigned sub_bits) {
  const uint32_t value = magnitude;
  const bool large = sizeof(T) == 4 && value >= (1u << 24);
  const float as_float = static_cast<float>(static_cast<int32_t>(large ? value >> 8 : value));
  uint32_t bits;
  __builtin_memcpy(&bits, &as_float, sizeof bits);
  const uint32_t number = (bits >> (23 - sub_bits)) - ((126 + sub_bits) << sub_bits) + (large ? 8u << sub_bits : 0u);
  return value < (1u << sub_bits) ? value : number;
}

template <class T>
CAIRN_INLINE void classify_as(const uint8_t* raw, const uint8_t* base, size_t count, const DifferenceShape& shape, const Differences& to) {
  const Order<T> order(shape);
  const unsigned sub_bits = shape.sub_bits;
  for (size_t i = 0; i < count; ++i) {
    const T from = load_element<T>(base + i * sizeof(T)) & order.kept;
    const T difference = static_cast<T>(order.to_ordered(load_element<T>(raw + i * sizeof(T))) - order.to_ordered(from));
    const T below = order.negative(difference);
    const T magnitude = static_cast<T>(static_cast<T>((difference ^ below) - below) >> order.trailing);
    const uint32_t inward = (below ^ order.negative(from)) & (magnitude != 0 ? 1u : 0u);
    to.keys[i] = order.key(from);
    to.symbols[i] = static_cast<uint8_t>(number_magnitude<T>(magnitude, sub_bits) << 1 | inward);
    store_element<T>(to.magnitudes + i * sizeof(T), magnitude);
  }
}

void classify_differences(const uint8_t* raw, const uint8_t* base, size_t count, const DifferenceShape& shape, const Differences& to) {
  switch (shape.width) {
    case 1: return classify_as<uint8_t>(raw, base, count, shape, to);
    case 2: return classify_as<uint16_t>(raw, base, count, shape, to);
    default: return classify_as<uint32_t>(raw, base, count, shape, to);
  }
}

struct CodedBits {
  uint64_t bits;
  unsigned count;
};

template <class T>
CAIRN_INLINE CodedBits code_element(const Differences& from, size_t i, const uint32_t* entries) {
  const uint32_t entry = entries[from.keys[i] << 8 | from.symbols[i]];
  const unsigned length = entry >> 16 & 0xff, low_bits = entry >> 24;
  const uint64_t low = load_element<T>(from.magnitudes + i * sizeof(T)) & ((uint64_t{1} << low_bits) - 1);
  return {(entry & 0xffff) | low << length, length + low_bits};
}

template <class T>
CAIRN_INLINE uint8_t* pack_as(const Differences& from, size_t first, size_t last, const uint32_t* entries, uint8_t* out) {
  BitWriter writer(out);
  size_t i = first;
  if (sizeof(T) <= 2) {
    for (; i + 2 <= last; i += 2) {
      const CodedBits one = code_element<T>(from, i, entries), two = code_element<T>(from, i + 1, entries);
      writer.put(one.bits | two.bits << one.count, one.count + two.count);
    }
  }
  for (; i < last; ++i) {
    const CodedBits one = code_element<T>(from, i, entries);
    writer.put(one.bits, one.count);
  }
  return writer.finish();
}

uint8_t* pack_differences(const Differences& from, size_t first, size_t last, unsigned width, const uint32_t* entries, uint8_t* out) {
  switch (width) {
    case 1: return pack_as<uint8_t>(from, first, last, entries, out);
    case 2: return pack_as<uint16_t>(from, first, last, entries, out);
    default: return pack_as<uint32_t>(from, first, last, entries, out);
  }
}

// Bits from `position` on: at least 57 where 8 bytes can be read there; near the end, as many as there are and then zeros.
CAIRN_INLINE uint64_t bits_at(const uint8_t* bytes, uint64_t position) { return load_u64(bytes + (position >> 3)) >> (position & 7); }

CAIRN_INLINE uint64_t bits_near_end(const uint8_t* bytes, size_t length, uint64_t position) {
  uint64_t value = 0;
  const size_t from = position >> 3;
  for (size_t i = 0; i < 8 && from + i < length; ++i) value |= uint64_t{bytes[from + i]} << (8 * i);
  return value >> (position & 7);
}

// Decodes one element from `bits`, writes its signed difference (or, for symbols alone, the symbol) and returns how many
// bits it took.
template <class T, bool symbols_alone>
CAIRN_INLINE unsigned unpack_element(const CodedDifferences& in, const Order<T>& order, uint64_t bits, size_t i, uint8_t* out, uint32_t& refused) {
  const T from = load_element<T>(in.base + i * sizeof(T));
  const KeyCode code = in.keys[order.key(from)];
  const uint16_t entry = in.tables[code.table + (bits & in.index_mask)];
  const unsigned length = entry & 0xff;
  if (symbols_alone) {
    out[i] = static_cast<uint8_t>(entry >> 8);
    return length;
  }
  const unsigned symbol = static_cast<uint8_t>((entry >> 8) - code.symbol_shift);
  const SymbolMeaning meaning = in.meanings[symbol];
  refused |= meaning.refused;
  const auto low = static_cast<T>(bits >> length & ((uint64_t{1} << meaning.low_bits) - 1));
  const auto magnitude = static_cast<T>(static_cast<T>(meaning.least + low) << order.trailing);
  const auto below = static_cast<T>(T{0} - static_cast<T>(symbol & 1)) ^ order.negative(from);
  store_element<T>(out + i * sizeof(T), static_cast<T>((magnitude ^ below) - below));
  return length + meaning.low_bits;
}

template <class T>
CAIRN_INLINE void restore_as(const uint8_t* base, size_t count, const Order<T>& order, uint8_t* raw) {
  for (size_t i = 0; i < count; ++i) {
    const T from = load_element<T>(base + i * sizeof(T)) & order.kept;
    const T ordered = static_cast<T>(order.to_ordered(from) + load_element<T>(raw + i * sizeof(T)));
    store_element<T>(raw + i * sizeof(T), order.from_ordered(ordered));
  }
}

constexpr size_t rounds_a_tile = 512;

// Rounds (one element of each of the eight streams) that can be decoded without reading behind the end.
CAIRN_INLINE size_t count_safe_rounds(const CodedDifferences& in, const uint64_t positions[8], size_t wanted, unsigned longest) {
  size_t rounds = wanted < rounds_a_tile ? wanted : rounds_a_tile;
  for (unsigned stream = 0; stream < 8; ++stream) {
    const uint64_t at = (positions[stream] >> 3) + 9;
    const size_t possible = at >= in.length ? 0 : (in.length - at) * 8 / longest;
    rounds = possible < rounds ? possible : rounds;
  }
  return rounds;
}

// Elements of one stream, carefully: for what is left near the end and for short blocks.
template <class T, bool symbols_alone>
CAIRN_INLINE uint64_t unpack_slowly(const CodedDifferences& in, const Order<T>& order, uint64_t position, size_t first, size_t last, uint8_t* out, uint32_t& refused) {
  for (size_t i = first; i < last; ++i) {
    position += unpack_element<T, symbols_alone>(in, order, bits_near_end(in.bytes, in.length, position), i, out, refused);
    if (position > uint64_t{in.length} * 8) {
      refused = 1;
      return position;
    }
  }
  return position;
}

template <class T, bool symbols_alone>
CAIRN_INLINE bool unpack_as(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out) {
  const Order<T> order(shape);
  const CodedDifferences local = in;
  uint64_t positions[8];
  uint32_t refused = 0;
  const size_t each = local.per_stream;
  const unsigned longest = local.longest_bits == 0 ? 1 : local.longest_bits;
  // Two elements fit into the 57 bits of one load where elements are narrow.
  constexpr bool two_a_load = symbols_alone || sizeof(T) <= 2;
  for (unsigned stream = 0; stream < local.streams; ++stream) positions[stream] = uint64_t{local.starts[stream]} * 8;
  size_t done = 0;
  if (local.streams == 8 && local.count > 7 * each) {
    const size_t common = local.count - 7 * each;  // the last stream is the shortest
    while (done < common) {
      const size_t rounds = count_safe_rounds(local, positions, common - done, longest) & ~size_t{1};
      if (rounds == 0) break;
      for (size_t round = done; round < done + rounds; round += 2) {
#pragma GCC unroll 8
        for (unsigned stream = 0; stream < 8; ++stream) {
          const size_t i = stream * each + round;
          uint64_t position = positions[stream];
          uint64_t bits = bits_at(local.bytes, position);
          const unsigned first = unpack_element<T, symbols_alone>(local, order, bits, i, out, refused);
          bits = two_a_load ? bits >> first : bits_at(local.bytes, position + first);
          position += first;
          position += unpack_element<T, symbols_alone>(local, order, bits, i + 1, out, refused);
          positions[stream] = position;
        }
      }
      if (!symbols_alone) {
        for (unsigned stream = 0; stream < 8; ++stream) {
          const size_t from = (stream * each + done) * sizeof(T);
          restore_as<T>(local.base + from, rounds, order, out + from);
        }
      }
      done += rounds;
    }
  }
  for (unsigned stream = 0; stream < local.streams && refused == 0; ++stream) {
    const size_t end = (stream + 1) * each < local.count ? (stream + 1) * each : local.count;
    const size_t first = stream * each + done;
    if (first < end) {
      positions[stream] = unpack_slowly<T, symbols_alone>(local, order, positions[stream], first, end, out, refused);
      if (!symbols_alone) restore_as<T>(local.base + first * sizeof(T), end - first, order, out + first * sizeof(T));
    }
    // Every stream ends where the next one starts, after fewer than 8 bits of zero.
    const uint64_t stop = uint64_t{local.starts[stream + 1]} * 8;
    if (positions[stream] > stop || stop - positions[stream] >= 8) return false;
    if (positions[stream] < stop && local.bytes[positions[stream] >> 3] >> (positions[stream] & 7) != 0) return false;
  }
  return refused == 0;
}

template <class T>
CAIRN_INLINE bool unpack_either(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out) {
  return in.meanings != nullptr ? unpack_as<T, false>(in, shape, out) : unpack_as<T, true>(in, shape, out);
}

bool unpack_differences(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out) {
  switch (shape.width) {
    case 1: return unpack_either<uint8_t>(in, shape, out);
    case 2: return unpack_either<uint16_t>(in, shape, out);
    default: return unpack_either<uint32_t>(in, shape, out);
  }
}

}  // namespace
}  // namespace cairn
