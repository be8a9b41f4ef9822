// The inner loops of codecs/conditioned.md, written once and compiled per instruction set by *_conditioned.cc. All of it
// is always inlined or in an unnamed namespace, so that no two instruction sets share a copy.
#pragma once

#include "simd/difference_order.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

template <class T>
CAIRN_INLINE void classify_as(const uint8_t* raw_bytes, const uint8_t* base_bytes, size_t count, const DifferenceShape& shape, const Differences& to) {
  const auto* const raw = reinterpret_cast<const Unaligned<T>*>(raw_bytes);
  const auto* const base = reinterpret_cast<const Unaligned<T>*>(base_bytes);
  auto* const __restrict magnitudes = reinterpret_cast<Unaligned<T>*>(to.magnitudes);
  uint16_t* const __restrict pairs = to.pairs;
  const Order<T> order(shape);
  const int sub_bits = shape.sub_bits;
  for (size_t i = 0; i < count; ++i) {
    const Taken<T> taken = take_difference<T>(order, raw[i], base[i], sub_bits);
    pairs[i] = static_cast<uint16_t>(order.key(base[i]) << 8 | taken.symbol);
    magnitudes[i] = taken.magnitude;
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

CAIRN_INLINE CodedBits code_element(uint32_t entry, uint64_t magnitude) {
  const unsigned length = entry >> pair_code_bits_shift;
  return {entry >> pair_code_shift | keep_low(magnitude, entry) << (length & 63), static_cast<uint8_t>(length + entry)};
}

template <class T>
CAIRN_INLINE uint8_t* pack_as(const Differences& from, size_t first, size_t last, const uint32_t* entries, uint8_t* out) {
  const uint16_t* const pairs = from.pairs;
  const auto* const magnitudes = reinterpret_cast<const Unaligned<T>*>(from.magnitudes);
  BitWriter writer(out);
  size_t i = first;
  if (sizeof(T) <= 2) {
    for (; i + 2 <= last; i += 2) {
      const CodedBits one = code_element(entries[pairs[i]], magnitudes[i]), two = code_element(entries[pairs[i + 1]], magnitudes[i + 1]);
      writer.put(one.bits | two.bits << (one.count & 63), one.count + two.count);
    }
  }
  for (; i < last; ++i) {
    const CodedBits one = code_element(entries[pairs[i]], magnitudes[i]);
    writer.put(one.bits, one.count);
  }
  return writer.finish();
}

CAIRN_INLINE uint8_t* pack_codes(const uint16_t* pairs, size_t first, size_t last, const uint32_t* entries, uint8_t* out) {
  BitWriter writer(out);
  for (size_t i = first; i < last; ++i) {
    const CodedBits one = code_element(entries[pairs[i]], 0);
    writer.put(one.bits, one.count);
  }
  return writer.finish();
}

uint8_t* pack_differences(const Differences& from, size_t first, size_t last, unsigned width, const uint32_t* entries, uint8_t* out) {
  if (from.magnitudes == nullptr) return pack_codes(from.pairs, first, last, entries, out);
  switch (width) {
    case 1: return pack_as<uint8_t>(from, first, last, entries, out);
    case 2: return pack_as<uint16_t>(from, first, last, entries, out);
    default: return pack_as<uint32_t>(from, first, last, entries, out);
  }
}

constexpr size_t rounds_a_tile = 512;

// What decoding looks things up in; passed by value, so that it stays in registers. Entry is what tables consist of, Out
// what is wanted: zigzagged differences, or bytes.
template <class Entry, class Out>
struct Lookup {
  const Entry* entries;
  uint64_t index_mask;

  // Decodes an element whose table is `table`. The lowest byte of what it returns is how many bits that took.
  CAIRN_INLINE Entry unpack(uint64_t bits, uint32_t table, Out& out) const {
    const Entry entry = entries[table + (bits & index_mask)];
    const uint64_t low = keep_low(bits, static_cast<unsigned>(entry)) >> (static_cast<unsigned>(entry) >> code_bits_shift & 63);
    const uint64_t least = entry >> (sizeof(Entry) == 8 ? wide_least_shift : least_shift);
    out = static_cast<Out>(least + 2 * low);
    return entry;
  }
};

// Finds the tables of consecutive elements.
template <class T>
class TableFinder {
 public:
  CAIRN_INLINE TableFinder(const CodedDifferences& in, const Order<T>& order) : keys_(in.keys), order_(order) {
#ifdef __AVX2__
    index_bits_ = __builtin_popcount(in.index_mask);
    unsigned last = 0;
    for (unsigned key = 256; key-- > 0;) {
      if (keys_[key] == 0) continue;
      if (last == 0) last = key;
      first_ = key;
      narrow_ = narrow_ && keys_[key] >> index_bits_ < 256;
    }
    narrow_ = narrow_ && last - first_ < spans * 16;
    for (unsigned i = 0; i < spans * 16 && narrow_; ++i) {
      numbers_[i] = first_ + i < 256 ? static_cast<uint8_t>(keys_[first_ + i] >> index_bits_) : uint8_t{0};
    }
#endif
  }

  CAIRN_INLINE void find(const uint8_t* base_bytes, size_t count, uint32_t* tables) const {
    const auto* const base = reinterpret_cast<const Unaligned<T>*>(base_bytes);
    const unsigned mantissa_bits = order_.mantissa_bits, key_mask = order_.key_mask;
    size_t i = 0;
#ifdef __AVX2__
    for (; sizeof(T) == 2 && narrow_ && i + 32 <= count; i += 32) find_32(base_bytes + 2 * i, tables + i);
#endif
    for (; i < count; ++i) tables[i] = keys_[unsigned{base[i]} >> mantissa_bits & key_mask];
  }

 private:
#ifdef __AVX2__
  CAIRN_INLINE __m256i keys_of(const uint8_t* base) const {
    const __m256i patterns = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(base));
    return _mm256_and_si256(_mm256_srl_epi16(patterns, _mm_cvtsi32_si128(static_cast<int>(order_.mantissa_bits))), _mm256_set1_epi16(order_.key_mask));
  }

  // Numbers of tables from look-ups in spans of 16 keys; a shuffle gives 0 where the key is outside of its span.
  CAIRN_INLINE void find_32(const uint8_t* base, uint32_t* tables) const {
    const __m256i packed = _mm256_packus_epi16(keys_of(base), keys_of(base + 32));
    __m256i key = _mm256_sub_epi8(_mm256_permute4x64_epi64(packed, 0xd8), _mm256_set1_epi8(static_cast<char>(first_)));
    __m256i number = _mm256_setzero_si256();
    for (unsigned span = 0; span < spans; ++span) {
      const __m256i row = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(numbers_ + span * 16)));
      number = _mm256_or_si256(number, _mm256_shuffle_epi8(row, _mm256_adds_epu8(key, _mm256_set1_epi8(0x70))));
      key = _mm256_sub_epi8(key, _mm256_set1_epi8(16));
    }
    alignas(32) uint8_t numbers[32];
    _mm256_store_si256(reinterpret_cast<__m256i*>(numbers), number);
    const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(index_bits_));
    for (unsigned i = 0; i < 32; i += 8) {
      const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(numbers + i)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(tables + i), _mm256_sll_epi32(wide, shift));
    }
  }

  static constexpr unsigned spans = 4;
  unsigned index_bits_ = 0;
  unsigned first_ = 0;
  bool narrow_ = true;  // all keys with tables lie within the spans
  alignas(16) uint8_t numbers_[spans * 16];
#endif
  const uint32_t* keys_;
  const Order<T> order_;
};

template <class T>
CAIRN_INLINE void restore_in_place(const uint8_t* base, size_t count, const DifferenceShape& shape, uint8_t* raw) {
  restore_as<T>(base, reinterpret_cast<const Unaligned<T>*>(raw), count, Order<T>(shape), raw);
}

void restore_differences(const uint8_t* base, size_t count, const DifferenceShape& shape, uint8_t* raw) {
  switch (shape.width) {
    case 1: return restore_in_place<uint8_t>(base, count, shape, raw);
    case 2: return restore_in_place<uint16_t>(base, count, shape, raw);
    default: return restore_in_place<uint32_t>(base, count, shape, raw);
  }
}

// Rounds (one element of each of the eight streams) that can be decoded without reading behind the end.
CAIRN_INLINE size_t count_safe_rounds(const uint64_t positions[8], size_t length, size_t wanted, unsigned longest) {
  size_t rounds = wanted < rounds_a_tile ? wanted : rounds_a_tile;
  for (unsigned stream = 0; stream < 8; ++stream) {
    const uint64_t at = (positions[stream] >> 3) + 9;
    const size_t possible = at >= length ? 0 : (length - at) * 8 / longest;
    rounds = possible < rounds ? possible : rounds;
  }
  return rounds & ~size_t{1};
}

// A part of each stream while it is decoded. The streams of a block lie apart by powers of two, and would push each other
// out of the cache.
template <class Out>
struct Tile {
  uint32_t tables[8][rounds_a_tile];
  Out values[8][rounds_a_tile];
};

// Decodes so many rounds, an even number. Returns all entries met, together.
template <class Entry, class Out>
CAIRN_INLINE Entry unpack_rounds(const Lookup<Entry, Out> lookup, const uint8_t* bytes, size_t rounds, uint64_t positions[8], Tile<Out>& tile) {
  // Two elements fit into the 57 bits of one load where elements are narrow.
  constexpr bool two_a_load = sizeof(Out) <= 2;
  Entry met = 0;
  uint64_t at[8];
  for (unsigned stream = 0; stream < 8; ++stream) at[stream] = positions[stream];
  for (size_t round = 0; round < rounds; round += 2) {
#pragma GCC unroll 8
    for (unsigned stream = 0; stream < 8; ++stream) {
      uint64_t bits = bits_at(bytes, at[stream]);
      const Entry one = lookup.unpack(bits, tile.tables[stream][round], tile.values[stream][round]);
      bits = two_a_load ? bits >> (one & 63) : bits_at(bytes, at[stream] + static_cast<uint8_t>(one));
      const Entry two = lookup.unpack(bits, tile.tables[stream][round + 1], tile.values[stream][round + 1]);
      at[stream] += static_cast<uint8_t>(one + two);
      met |= one | two;
      asm("" : "+r"(met));  // now, rather than keeping all entries for the end of the round
    }
  }
  for (unsigned stream = 0; stream < 8; ++stream) positions[stream] = at[stream];
  return met;
}

// Decodes `count` elements of one stream, at most a tile, carefully: for what is left near the end and for short blocks.
// Returns the position after them, which is behind the end where bits are missing.
template <class Entry, class Out>
CAIRN_INLINE uint64_t unpack_slowly(const Lookup<Entry, Out> lookup, const CodedDifferences& coded, uint64_t position, size_t count, Tile<Out>& tile, Entry& met) {
  for (size_t i = 0; i < count && position <= uint64_t{coded.length} * 8; ++i) {
    const Entry entry = lookup.unpack(bits_near_end(coded.bytes, coded.length, position), tile.tables[0][i], tile.values[0][i]);
    position += static_cast<uint8_t>(entry);
    met |= entry;
  }
  return position;
}

// Whether a stream that was decoded up to `position` ends there, after fewer than 8 bits of zero.
CAIRN_INLINE bool ends_at(const CodedDifferences& in, uint64_t position, size_t end) {
  const uint64_t stop = uint64_t{end} * 8;
  return position <= stop && stop - position < 8 && (position == stop || in.bytes[position >> 3] >> (position & 7) == 0);
}

// Decoding one block. T is the element.
template <class T, class Entry, class Out>
struct Unpacking {
  const CodedDifferences& in;
  const Order<T> order;
  const TableFinder<T> finder;
  const Lookup<Entry, Out> lookup;
  uint8_t* out;
  uint64_t positions[8] = {};
  Entry met = 0;
  Tile<Out> tile;

  CAIRN_INLINE Unpacking(const CodedDifferences& coded, const DifferenceShape& shape, uint8_t* to)
      : in(coded), order(shape), finder(coded, order), lookup{static_cast<const Entry*>(coded.entries), coded.index_mask}, out(to) {
    for (unsigned stream = 0; stream < in.streams; ++stream) positions[stream] = uint64_t{in.starts[stream]} * 8;
  }

  CAIRN_INLINE void prepare(unsigned row, size_t first, size_t count) {
    finder.find(in.base + first * sizeof(T), count, tile.tables[row]);
  }

  CAIRN_INLINE void deliver(unsigned row, size_t first, size_t count) {
    if (in.bytes_alone) {
      __builtin_memcpy(out + first * sizeof(Out), tile.values[row], count * sizeof(Out));
    } else {
      restore_as<T>(in.base + first * sizeof(T), reinterpret_cast<const Unaligned<T>*>(tile.values[row]), count, order, out + first * sizeof(T));
    }
  }

  // As many whole rounds as can be decoded without care. Returns how many.
  CAIRN_INLINE size_t unpack_common() {
    const size_t each = in.per_stream, common = in.streams == 8 && in.count > 7 * each ? in.count - 7 * each : 0;  // the last stream is the shortest
    size_t done = 0;
    while (done < common) {
      const size_t rounds = count_safe_rounds(positions, in.length, common - done, in.longest_bits == 0 ? 1 : in.longest_bits);
      if (rounds == 0) break;
      for (unsigned stream = 0; stream < 8; ++stream) prepare(stream, stream * each + done, rounds);
      met |= unpack_rounds(lookup, in.bytes, rounds, positions, tile);
      for (unsigned stream = 0; stream < 8; ++stream) deliver(stream, stream * each + done, rounds);
      done += rounds;
    }
    return done;
  }

  CAIRN_INLINE void unpack_rest(unsigned stream, size_t first, size_t end) {
    while (first < end) {
      const size_t count = end - first < rounds_a_tile ? end - first : rounds_a_tile;
      prepare(0, first, count);
      positions[stream] = unpack_slowly(lookup, in, positions[stream], count, tile, met);
      deliver(0, first, count);
      first += count;
    }
  }

  CAIRN_INLINE bool unpack_all() {
    const size_t done = unpack_common(), each = in.per_stream;
    for (unsigned stream = 0; stream < in.streams; ++stream) {
      unpack_rest(stream, stream * each + done, (stream + 1) * each < in.count ? (stream + 1) * each : in.count);
      if (!ends_at(in, positions[stream], in.starts[stream + 1])) return false;
    }
    return (met & refused_entry) == 0;
  }
};

template <class T, class Entry, class Out>
CAIRN_INLINE bool unpack_as(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out) {
  return Unpacking<T, Entry, Out>(in, shape, out).unpack_all();
}

bool unpack_differences(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out) {
  switch (shape.width) {
    case 1: return unpack_as<uint8_t, uint32_t, uint8_t>(in, shape, out);
    case 2: return in.bytes_alone ? unpack_as<uint16_t, uint32_t, uint8_t>(in, shape, out) : unpack_as<uint16_t, uint32_t, uint16_t>(in, shape, out);
    default: return in.bytes_alone ? unpack_as<uint32_t, uint32_t, uint8_t>(in, shape, out) : unpack_as<uint32_t, uint64_t, uint32_t>(in, shape, out);
  }
}

}  // namespace
}  // namespace cairn
