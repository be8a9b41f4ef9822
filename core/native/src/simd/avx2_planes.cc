// Planes with AVX2: 32 elements at a time. Widths 2 and 4 are what checkpoints are made of; 1 and 8 stay with the reference,
// and so do the elements that are left over. No inline library templates here, see binding.gyp.
#include <immintrin.h>

#include "codecs/bit_stream.h"
#include "simd/kernels.h"
#include "simd/scalar_planes.h"
#include "simd/symbol_set.h"

namespace cairn {
namespace {

constexpr size_t at_once = 32;

CAIRN_INLINE __m256i load(const uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
CAIRN_INLINE void store(uint8_t* to, __m256i value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }

template <bool with_base>
CAIRN_INLINE __m256i load_xor(const uint8_t* raw, const uint8_t* base, size_t offset) {
  const __m256i words = load(raw + offset);
  return with_base ? _mm256_xor_si256(words, load(base + offset)) : words;
}

// ---- two bytes

CAIRN_INLINE __m256i rotate_left_16(__m256i words) {
  return _mm256_or_si256(_mm256_add_epi16(words, words), _mm256_srli_epi16(words, 15));
}

CAIRN_INLINE __m256i rotate_right_16(__m256i words) {
  return _mm256_or_si256(_mm256_srli_epi16(words, 1), _mm256_slli_epi16(words, 15));
}

// Packing works in halves of a register; this puts the quarters back in order.
CAIRN_INLINE __m256i pack(__m256i a, __m256i b) { return _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8); }

template <bool with_base, bool rotated>
void split_16(const uint8_t* raw, const uint8_t* base, size_t elements, uint8_t* const planes[8]) {
  const __m256i low_byte = _mm256_set1_epi16(0xff);
  for (size_t i = 0; i < elements; i += at_once) {
    __m256i a = load_xor<with_base>(raw, base, 2 * i), b = load_xor<with_base>(raw, base, 2 * i + 32);
    if (rotated) a = rotate_left_16(a), b = rotate_left_16(b);
    store(planes[0] + i, pack(_mm256_and_si256(a, low_byte), _mm256_and_si256(b, low_byte)));
    store(planes[1] + i, pack(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)));
  }
}

template <bool with_base, bool rotated>
CAIRN_INLINE void store_16(uint8_t* raw, const uint8_t* base, size_t offset, __m256i words) {
  if (rotated) words = rotate_right_16(words);
  store(raw + offset, with_base ? _mm256_xor_si256(words, load(base + offset)) : words);
}

template <bool with_base, bool rotated>
void merge_16(const uint8_t* const planes[8], const uint8_t* base, size_t elements, uint8_t* raw) {
  for (size_t i = 0; i < elements; i += at_once) {
    const __m256i low = load(planes[0] + i), high = load(planes[1] + i);
    const __m256i a = _mm256_unpacklo_epi8(low, high), b = _mm256_unpackhi_epi8(low, high);
    store_16<with_base, rotated>(raw, base, 2 * i, _mm256_permute2x128_si256(a, b, 0x20));
    store_16<with_base, rotated>(raw, base, 2 * i + 32, _mm256_permute2x128_si256(a, b, 0x31));
  }
}

// ---- four bytes

CAIRN_INLINE __m256i rotate_left_32(__m256i words) {
  return _mm256_or_si256(_mm256_add_epi32(words, words), _mm256_srli_epi32(words, 31));
}

CAIRN_INLINE __m256i rotate_right_32(__m256i words) {
  return _mm256_or_si256(_mm256_srli_epi32(words, 1), _mm256_slli_epi32(words, 31));
}

// Eight elements with their bytes gathered by fours: in each half, byte 0 of four elements, then byte 1 and so on.
template <bool with_base, bool rotated>
CAIRN_INLINE __m256i gathered_32(const uint8_t* raw, const uint8_t* base, size_t offset) {
  __m256i words = load_xor<with_base>(raw, base, offset);
  if (rotated) words = rotate_left_32(words);
  const __m128i fours = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(fours));
}

template <bool with_base, bool rotated>
void split_32(const uint8_t* raw, const uint8_t* base, size_t elements, uint8_t* const planes[8]) {
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (size_t i = 0; i < elements; i += at_once) {
    const __m256i a = gathered_32<with_base, rotated>(raw, base, 4 * i);
    const __m256i b = gathered_32<with_base, rotated>(raw, base, 4 * i + 32);
    const __m256i c = gathered_32<with_base, rotated>(raw, base, 4 * i + 64);
    const __m256i d = gathered_32<with_base, rotated>(raw, base, 4 * i + 96);
    const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    store(planes[0] + i, _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(ab_low, cd_low), in_order));
    store(planes[1] + i, _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(ab_low, cd_low), in_order));
    store(planes[2] + i, _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi64(ab_high, cd_high), in_order));
    store(planes[3] + i, _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi64(ab_high, cd_high), in_order));
  }
}

template <bool with_base, bool rotated>
CAIRN_INLINE void store_32(uint8_t* raw, const uint8_t* base, size_t offset, __m256i words) {
  if (rotated) words = rotate_right_32(words);
  store(raw + offset, with_base ? _mm256_xor_si256(words, load(base + offset)) : words);
}

template <bool with_base, bool rotated>
void merge_32(const uint8_t* const planes[8], const uint8_t* base, size_t elements, uint8_t* raw) {
  for (size_t i = 0; i < elements; i += at_once) {
    const __m256i p0 = load(planes[0] + i), p1 = load(planes[1] + i), p2 = load(planes[2] + i), p3 = load(planes[3] + i);
    const __m256i low_a = _mm256_unpacklo_epi8(p0, p1), low_b = _mm256_unpackhi_epi8(p0, p1);
    const __m256i high_a = _mm256_unpacklo_epi8(p2, p3), high_b = _mm256_unpackhi_epi8(p2, p3);
    const __m256i a = _mm256_unpacklo_epi16(low_a, high_a), b = _mm256_unpackhi_epi16(low_a, high_a);
    const __m256i c = _mm256_unpacklo_epi16(low_b, high_b), d = _mm256_unpackhi_epi16(low_b, high_b);
    store_32<with_base, rotated>(raw, base, 4 * i, _mm256_permute2x128_si256(a, b, 0x20));
    store_32<with_base, rotated>(raw, base, 4 * i + 32, _mm256_permute2x128_si256(c, d, 0x20));
    store_32<with_base, rotated>(raw, base, 4 * i + 64, _mm256_permute2x128_si256(a, b, 0x31));
    store_32<with_base, rotated>(raw, base, 4 * i + 96, _mm256_permute2x128_si256(c, d, 0x31));
  }
}

// ---- either

using Split = void (*)(const uint8_t*, const uint8_t*, size_t, uint8_t* const[8]);
using Merge = void (*)(const uint8_t* const[8], const uint8_t*, size_t, uint8_t*);

Split split_for(PlaneShape shape, bool with_base) {
  if (shape.width == 2) {
    if (with_base) return shape.rotated ? split_16<true, true> : split_16<true, false>;
    return shape.rotated ? split_16<false, true> : split_16<false, false>;
  }
  if (with_base) return shape.rotated ? split_32<true, true> : split_32<true, false>;
  return shape.rotated ? split_32<false, true> : split_32<false, false>;
}

Merge merge_for(PlaneShape shape, bool with_base) {
  if (shape.width == 2) {
    if (with_base) return shape.rotated ? merge_16<true, true> : merge_16<true, false>;
    return shape.rotated ? merge_16<false, true> : merge_16<false, false>;
  }
  if (with_base) return shape.rotated ? merge_32<true, true> : merge_32<true, false>;
  return shape.rotated ? merge_32<false, true> : merge_32<false, false>;
}

const uint8_t* advance(const uint8_t* base, size_t offset) { return base == nullptr ? nullptr : base + offset; }

void split_planes(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]) {
  size_t done = 0;
  if (shape.width == 2 || shape.width == 4) {
    done = elements / at_once * at_once;
    split_for(shape, base != nullptr)(raw, base, done, planes);
  }
  uint8_t* rest[8];
  for (unsigned p = 0; p < shape.width; ++p) rest[p] = planes[p] + done;
  scalar_split_planes(raw + done * shape.width, advance(base, done * shape.width), elements - done, shape, rest);
}

void merge_planes(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw) {
  size_t done = 0;
  if (shape.width == 2 || shape.width == 4) {
    done = elements / at_once * at_once;
    merge_for(shape, base != nullptr)(planes, base, done, raw);
  }
  const uint8_t* rest[8];
  for (unsigned p = 0; p < shape.width; ++p) rest[p] = planes[p] + done;
  scalar_merge_planes(rest, advance(base, done * shape.width), elements - done, shape, raw + done * shape.width);
}

// ---- counting

// The set of symbols with a count, as two look-ups by a symbol's low four bits: which of the high values 0 to 7, and 8 to 15.
struct SymbolSet {
  __m256i low_half;
  __m256i high_half;

  explicit SymbolSet(const uint32_t counts[256]) {
    uint8_t halves[32] = {};
    for (unsigned symbol = 0; symbol < 256; ++symbol) {
      if (counts[symbol] != 0) halves[symbol % 16 + symbol / 128 * 16] |= static_cast<uint8_t>(1u << (symbol / 16 % 8));
    }
    low_half = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
    high_half = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + 16)));
  }

  // A step that isn't whole is looked through one by one.
  CAIRN_INLINE bool has_all(const uint8_t* from, size_t n) const {
    if (n < at_once) return false;
    const __m256i symbols = load(from);
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i low = _mm256_and_si256(symbols, nibble), high = _mm256_and_si256(_mm256_srli_epi16(symbols, 4), nibble);
    const __m256i rows = _mm256_blendv_epi8(_mm256_shuffle_epi8(low_half, low), _mm256_shuffle_epi8(high_half, low), symbols);
    const __m128i bits = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    const __m256i bit = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bits), high);
    return _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(rows, bit), _mm256_setzero_si256())) == 0;
  }
};

size_t count_ones(const uint8_t* bytes, size_t n) {
  size_t ones = 0, i = 0;
  for (; i + 8 <= n; i += 8) ones += static_cast<size_t>(_mm_popcnt_u64(load_u64(bytes + i)));
  for (; i < n; ++i) ones += static_cast<size_t>(_mm_popcnt_u32(bytes[i]));
  return ones;
}

// ---- sparse planes

constexpr uint64_t every_byte = 0x0101010101010101;

// Eight flags as eight bytes of all ones or zeros.
CAIRN_INLINE uint64_t widen(unsigned flags) { return _pdep_u64(flags, every_byte) * 0xff; }

size_t part_others(const uint8_t* symbols, size_t n, uint8_t usual, uint8_t* flags, uint8_t* others) {
  const __m256i all_usual = _mm256_set1_epi8(static_cast<char>(usual));
  uint8_t* at = others;
  for (size_t i = 0; i < n; i += at_once) {
    auto marks = ~static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(symbols + i), all_usual)));
    if (n - i < at_once) marks &= (uint32_t{1} << (n - i)) - 1;
    std::memcpy(flags + i / 8, &marks, sizeof marks);
    for (unsigned byte = 0; byte < 4; ++byte) {
      const unsigned eight = marks >> (8 * byte) & 0xff;
      store_u64(at, _pext_u64(load_u64(symbols + i + 8 * byte), widen(eight)));
      at += _mm_popcnt_u32(eight);
    }
  }
  return static_cast<size_t>(at - others);
}

void place_others(const uint8_t* flags, const uint8_t* others, size_t n, uint8_t usual, uint8_t* symbols) {
  const uint64_t all_usual = every_byte * usual;
  for (size_t i = 0; i < n; i += 8) {
    const unsigned eight = flags[i / 8];
    const uint64_t mask = widen(eight);
    store_u64(symbols + i, _pdep_u64(load_u64(others), mask) | (all_usual & ~mask));
    others += _mm_popcnt_u32(eight);
  }
}

}  // namespace

void add_avx2_planes(Kernels& table) {
  table.note_uncounted = note_uncounted<SymbolSet, at_once>;
  table.count_ones = count_ones;
  table.split_planes = split_planes;
  table.merge_planes = merge_planes;
  table.part_others = part_others;
  table.place_others = place_others;
}

}  // namespace cairn
