#include <cstring>

#include "codecs/bit_stream.h"
#include "simd/kernels.h"
#include "simd/scalar_planes.h"

namespace cairn {
namespace {

// Stores to one table only would wait for each other where a value repeats; eight tables keep them apart.
void count_bytes(const uint8_t* bytes, size_t n, uint32_t counts[256]) {
  uint32_t tables[8][256] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t eight = load_u64(bytes + i);
    for (unsigned t = 0; t < 8; ++t) ++tables[t][eight >> (8 * t) & 0xff];
  }
  for (; i < n; ++i) ++tables[0][bytes[i]];
  for (unsigned value = 0; value < 256; ++value) {
    counts[value] = 0;
    for (unsigned t = 0; t < 8; ++t) counts[value] += tables[t][value];
  }
}

void note_uncounted(const uint8_t* symbols, size_t n, uint32_t counts[256]) {
  bool occurs[256] = {};
  for (size_t i = 0; i < n; ++i) occurs[symbols[i]] = true;
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    if (occurs[symbol] && counts[symbol] == 0) counts[symbol] = 1;
  }
}

size_t count_ones(const uint8_t* bytes, size_t n) {
  size_t ones = 0, i = 0;
  for (; i + 8 <= n; i += 8) ones += static_cast<size_t>(__builtin_popcountll(load_u64(bytes + i)));
  for (; i < n; ++i) ones += static_cast<size_t>(__builtin_popcount(bytes[i]));
  return ones;
}

template <class Word>
Word load(const uint8_t* from, size_t i) {
  Word word;
  std::memcpy(&word, from + i * sizeof(Word), sizeof(Word));
  return word;
}

// One plane a pass, and nothing decided inside the loop: compilers then take many elements at a time.
template <class Word, bool with_base, bool rotated>
void split_plane(const uint8_t* raw, const uint8_t* base, size_t elements, unsigned plane, uint8_t* __restrict symbols) {
  constexpr unsigned bits = 8 * sizeof(Word);
  for (size_t i = 0; i < elements; ++i) {
    Word word = load<Word>(raw, i);
    if (with_base) word = static_cast<Word>(word ^ load<Word>(base, i));
    if (rotated) word = static_cast<Word>(word << 1 | word >> (bits - 1));
    symbols[i] = static_cast<uint8_t>(word >> (8 * plane));
  }
}

template <class Word>
void split(const uint8_t* raw, const uint8_t* base, size_t elements, bool rotated, uint8_t* const planes[8]) {
  for (unsigned p = 0; p < sizeof(Word); ++p) {
    if (base == nullptr) {
      (rotated ? split_plane<Word, false, true> : split_plane<Word, false, false>)(raw, base, elements, p, planes[p]);
    } else {
      (rotated ? split_plane<Word, true, true> : split_plane<Word, true, false>)(raw, base, elements, p, planes[p]);
    }
  }
}

template <class Word, bool with_base, bool rotated>
void merge_words(const uint8_t* const planes[8], const uint8_t* base, size_t elements, uint8_t* __restrict raw) {
  constexpr unsigned bits = 8 * sizeof(Word);
  for (size_t i = 0; i < elements; ++i) {
    Word word = 0;
    for (unsigned p = 0; p < sizeof(Word); ++p) word = static_cast<Word>(word | Word{planes[p][i]} << (8 * p));
    if (rotated) word = static_cast<Word>(word >> 1 | word << (bits - 1));
    if (with_base) word = static_cast<Word>(word ^ load<Word>(base, i));
    std::memcpy(raw + i * sizeof(Word), &word, sizeof(Word));
  }
}

template <class Word>
void merge(const uint8_t* const planes[8], const uint8_t* base, size_t elements, bool rotated, uint8_t* raw) {
  if (base == nullptr) {
    (rotated ? merge_words<Word, false, true> : merge_words<Word, false, false>)(planes, base, elements, raw);
  } else {
    (rotated ? merge_words<Word, true, true> : merge_words<Word, true, false>)(planes, base, elements, raw);
  }
}

size_t part_others(const uint8_t* symbols, size_t n, uint8_t usual, uint8_t* flags, uint8_t* others) {
  size_t count = 0;
  for (size_t i = 0; i < n; i += 8) {
    unsigned marks = 0;
    for (unsigned bit = 0; bit < 8 && i + bit < n; ++bit) {
      const bool other = symbols[i + bit] != usual;
      others[count] = symbols[i + bit];  // overwritten by the next one where it was the usual one
      count += other;
      marks |= unsigned{other} << bit;
    }
    flags[i / 8] = static_cast<uint8_t>(marks);
  }
  return count;
}

void place_others(const uint8_t* flags, const uint8_t* others, size_t n, uint8_t usual, uint8_t* symbols) {
  for (size_t i = 0; i < n; ++i) {
    const unsigned other = flags[i / 8] >> (i % 8) & 1;
    symbols[i] = other ? *others : usual;
    others += other;
  }
}

}  // namespace

void scalar_split_planes(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]) {
  switch (shape.width) {
    case 1: return split<uint8_t>(raw, base, elements, shape.rotated, planes);
    case 2: return split<uint16_t>(raw, base, elements, shape.rotated, planes);
    case 4: return split<uint32_t>(raw, base, elements, shape.rotated, planes);
    default: return split<uint64_t>(raw, base, elements, shape.rotated, planes);
  }
}

void scalar_merge_planes(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw) {
  switch (shape.width) {
    case 1: return merge<uint8_t>(planes, base, elements, shape.rotated, raw);
    case 2: return merge<uint16_t>(planes, base, elements, shape.rotated, raw);
    case 4: return merge<uint32_t>(planes, base, elements, shape.rotated, raw);
    default: return merge<uint64_t>(planes, base, elements, shape.rotated, raw);
  }
}

void add_scalar_planes(Kernels& table) {
  table.count_bytes = count_bytes;
  table.note_uncounted = note_uncounted;
  table.count_ones = count_ones;
  table.split_planes = scalar_split_planes;
  table.merge_planes = scalar_merge_planes;
  table.part_others = part_others;
  table.place_others = place_others;
}

}  // namespace cairn
