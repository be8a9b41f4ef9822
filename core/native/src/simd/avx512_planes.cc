// Planes with AVX-512 (BW, VBMI, VBMI2): 64 elements at a time, the last ones under a mask. Any byte of two registers goes anywhere
// in one instruction (vpermi2b), and sparse planes are compressed and expanded byte by byte. Widths 1 and 8 stay with
// the reference. No inline library templates here, see binding.gyp.
#include "simd/avx512_codes.h"
#include "simd/kernels.h"
#include "simd/scalar_planes.h"
#include "simd/symbol_set.h"

namespace cairn {
namespace {

constexpr size_t at_once = 64;

// The lowest `count` of 64 bytes.
CAIRN_INLINE __mmask64 first_bytes(size_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }

// A step's elements in memory: registers of 64 bytes each, of which the last ones may be partly or wholly outside.
template <unsigned width, bool with_base, bool whole>
struct Words {
  __m512i parts[width];

  CAIRN_INLINE void take(const uint8_t* raw, const uint8_t* base, size_t elements) {
    const size_t bytes = elements * width;
#pragma GCC unroll 4
    for (size_t part = 0; part < width; ++part) {
      const size_t at = 64 * part;
      const __mmask64 inside = whole ? ~__mmask64{0} : at < bytes ? first_bytes(bytes - at) : 0;
      parts[part] = whole ? load(raw + at) : _mm512_maskz_loadu_epi8(inside, raw + at);
      if (with_base) parts[part] = _mm512_xor_si512(parts[part], whole ? load(base + at) : _mm512_maskz_loadu_epi8(inside, base + at));
    }
  }

  CAIRN_INLINE void give(const uint8_t* base, size_t elements, uint8_t* raw) const {
    const size_t bytes = elements * width;
#pragma GCC unroll 4
    for (size_t part = 0; part < width; ++part) {
      const size_t at = 64 * part;
      const __mmask64 inside = whole ? ~__mmask64{0} : at < bytes ? first_bytes(bytes - at) : 0;
      __m512i words = parts[part];
      if (with_base) words = _mm512_xor_si512(words, whole ? load(base + at) : _mm512_maskz_loadu_epi8(inside, base + at));
      if (whole) store(raw + at, words);
      else _mm512_mask_storeu_epi8(raw + at, inside, words);
    }
  }
};

// ---- two bytes

// Byte i of the result of a two-register permutation comes from byte indices[i]: 2 i + first.
CAIRN_INLINE __m512i every_second(unsigned first) {
  alignas(64) uint8_t indices[64];
  for (unsigned i = 0; i < 64; ++i) indices[i] = static_cast<uint8_t>(2 * i + first);
  return _mm512_load_si512(indices);
}

// Low and high bytes in turn: those numbered first.. of one register and of the other.
CAIRN_INLINE __m512i in_turn(unsigned first) {
  alignas(64) uint8_t indices[64];
  for (unsigned i = 0; i < 64; ++i) indices[i] = static_cast<uint8_t>(first + i / 2 + i % 2 * 64);
  return _mm512_load_si512(indices);
}

template <bool rotated>
struct Two {
  const __m512i even = every_second(0), odd = every_second(1), front = in_turn(0), back = in_turn(32);

  CAIRN_INLINE void split(const __m512i words[2], size_t at, uint8_t* const planes[8]) const {
    const __m512i a = rotated ? _mm512_shldi_epi16(words[0], words[0], 1) : words[0];
    const __m512i b = rotated ? _mm512_shldi_epi16(words[1], words[1], 1) : words[1];
    store(planes[0] + at, _mm512_permutex2var_epi8(a, even, b));
    store(planes[1] + at, _mm512_permutex2var_epi8(a, odd, b));
  }

  CAIRN_INLINE void merge(const __m512i planes[2], __m512i words[2]) const {
    const __m512i low = planes[0], high = planes[1];
    const __m512i a = _mm512_permutex2var_epi8(low, front, high), b = _mm512_permutex2var_epi8(low, back, high);
    words[0] = rotated ? _mm512_shrdi_epi16(a, a, 1) : a;
    words[1] = rotated ? _mm512_shrdi_epi16(b, b, 1) : b;
  }
};

// ---- four bytes

// Transposes 4 x 4 quarters of 128 bits; its own inverse.
CAIRN_INLINE void transpose_quarters(__m512i q[4]) {
  const __m512i ab_low = _mm512_shuffle_i64x2(q[0], q[1], 0x44), ab_high = _mm512_shuffle_i64x2(q[0], q[1], 0xee);
  const __m512i cd_low = _mm512_shuffle_i64x2(q[2], q[3], 0x44), cd_high = _mm512_shuffle_i64x2(q[2], q[3], 0xee);
  q[0] = _mm512_shuffle_i64x2(ab_low, cd_low, 0x88);
  q[1] = _mm512_shuffle_i64x2(ab_low, cd_low, 0xdd);
  q[2] = _mm512_shuffle_i64x2(ab_high, cd_high, 0x88);
  q[3] = _mm512_shuffle_i64x2(ab_high, cd_high, 0xdd);
}

template <bool rotated>
struct Four {
  __m512i gather, spread;  // sixteen elements to their bytes 0, then 1, 2 and 3; and back

  CAIRN_INLINE Four() {
    alignas(64) uint8_t to[64], from[64];
    for (unsigned i = 0; i < 64; ++i) {
      to[i] = static_cast<uint8_t>(i % 16 * 4 + i / 16);
      from[i] = static_cast<uint8_t>(i % 4 * 16 + i / 4);
    }
    gather = _mm512_load_si512(to);
    spread = _mm512_load_si512(from);
  }

  CAIRN_INLINE void split(const __m512i words[4], size_t at, uint8_t* const planes[8]) const {
    __m512i quarters[4];
    for (unsigned i = 0; i < 4; ++i) {
      quarters[i] = _mm512_permutexvar_epi8(gather, rotated ? _mm512_rol_epi32(words[i], 1) : words[i]);
    }
    transpose_quarters(quarters);
    for (unsigned p = 0; p < 4; ++p) store(planes[p] + at, quarters[p]);
  }

  CAIRN_INLINE void merge(const __m512i planes[4], __m512i words[4]) const {
    __m512i quarters[4] = {planes[0], planes[1], planes[2], planes[3]};
    transpose_quarters(quarters);
    for (unsigned i = 0; i < 4; ++i) {
      const __m512i elements = _mm512_permutexvar_epi8(spread, quarters[i]);
      words[i] = rotated ? _mm512_ror_epi32(elements, 1) : elements;
    }
  }
};

// ---- either

template <unsigned width, class Bytes, bool with_base>
void split_as(const uint8_t* raw, const uint8_t* base, size_t elements, uint8_t* const planes[8]) {
  const Bytes bytes;
  size_t i = 0;
  for (; i + at_once <= elements; i += at_once) {
    Words<width, with_base, true> words;
    words.take(raw + i * width, with_base ? base + i * width : nullptr, at_once);
    bytes.split(words.parts, i, planes);
  }
  if (i == elements) return;
  Words<width, with_base, false> words;
  words.take(raw + i * width, with_base ? base + i * width : nullptr, elements - i);
  bytes.split(words.parts, i, planes);
}

template <unsigned width, class Bytes, bool with_base, bool whole>
CAIRN_INLINE void merge_step(const Bytes& bytes, const uint8_t* const planes[8], const uint8_t* base, size_t i, size_t elements, uint8_t* raw) {
  // Planes may be views of a stored block, behind which there is nothing to read.
  const __mmask64 inside = first_bytes(elements);
  __m512i from[width];
  for (unsigned p = 0; p < width; ++p) from[p] = whole ? load(planes[p] + i) : _mm512_maskz_loadu_epi8(inside, planes[p] + i);
  Words<width, with_base, whole> words;
  bytes.merge(from, words.parts);
  words.give(with_base ? base + i * width : nullptr, elements, raw + i * width);
}

template <unsigned width, class Bytes, bool with_base>
void merge_as(const uint8_t* const planes[8], const uint8_t* base, size_t elements, uint8_t* raw) {
  const Bytes bytes;
  size_t i = 0;
  for (; i + at_once <= elements; i += at_once) merge_step<width, Bytes, with_base, true>(bytes, planes, base, i, at_once, raw);
  if (i < elements) merge_step<width, Bytes, with_base, false>(bytes, planes, base, i, elements - i, raw);
}

using Split = void (*)(const uint8_t*, const uint8_t*, size_t, uint8_t* const[8]);
using Merge = void (*)(const uint8_t* const[8], const uint8_t*, size_t, uint8_t*);

template <unsigned width, class Bytes>
Split split_of(bool with_base) { return with_base ? split_as<width, Bytes, true> : split_as<width, Bytes, false>; }

template <unsigned width, class Bytes>
Merge merge_of(bool with_base) { return with_base ? merge_as<width, Bytes, true> : merge_as<width, Bytes, false>; }

Split split_for(PlaneShape shape, bool with_base) {
  if (shape.width == 2) return shape.rotated ? split_of<2, Two<true>>(with_base) : split_of<2, Two<false>>(with_base);
  return shape.rotated ? split_of<4, Four<true>>(with_base) : split_of<4, Four<false>>(with_base);
}

Merge merge_for(PlaneShape shape, bool with_base) {
  if (shape.width == 2) return shape.rotated ? merge_of<2, Two<true>>(with_base) : merge_of<2, Two<false>>(with_base);
  return shape.rotated ? merge_of<4, Four<true>>(with_base) : merge_of<4, Four<false>>(with_base);
}

void split_planes(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]) {
  if (shape.width != 2 && shape.width != 4) return scalar_split_planes(raw, base, elements, shape, planes);
  split_for(shape, base != nullptr)(raw, base, elements, planes);
}

void merge_planes(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw) {
  if (shape.width != 2 && shape.width != 4) return scalar_merge_planes(planes, base, elements, shape, raw);
  merge_for(shape, base != nullptr)(planes, base, elements, raw);
}

// ---- counting

// The set of symbols with a count: a byte of ones for each.
class SymbolSet {
 public:
  explicit SymbolSet(const uint32_t counts[256]) : ones_(table_of(counts)) {}

  CAIRN_INLINE bool has_all(const uint8_t* symbols, size_t n) const {
    const __m512i step = _mm512_maskz_loadu_epi8(first_bytes(n), symbols);
    return (~_mm512_movepi8_mask(ones_.look_up(step)) & first_bytes(n)) == 0;
  }

 private:
  static ByteTable table_of(const uint32_t counts[256]) {
    alignas(64) uint8_t has[256];
    for (unsigned symbol = 0; symbol < 256; ++symbol) has[symbol] = counts[symbol] != 0 ? 0xff : 0;
    return ByteTable(has);
  }

  ByteTable ones_;
};

// ---- sparse planes

size_t count_ones(const uint8_t* bytes, size_t n) {
  __m512i sums = _mm512_setzero_si512();
  for (size_t i = 0; i < n; i += at_once) {
    sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(_mm512_maskz_loadu_epi8(first_bytes(n - i), bytes + i)));
  }
  return static_cast<size_t>(_mm512_reduce_add_epi64(sums));
}

size_t part_others(const uint8_t* symbols, size_t n, uint8_t usual, uint8_t* flags, uint8_t* others) {
  const __m512i all_usual = _mm512_set1_epi8(static_cast<char>(usual));
  uint8_t* at = others;
  for (size_t i = 0; i < n; i += at_once) {
    const __m512i step = load(symbols + i);
    const __mmask64 marks = _mm512_mask_cmpneq_epi8_mask(first_bytes(n - i), step, all_usual);
    store_u64(flags + i / 8, marks);
    store(at, _mm512_maskz_compress_epi8(marks, step));
    at += _mm_popcnt_u64(marks);
  }
  return static_cast<size_t>(at - others);
}

void place_others(const uint8_t* flags, const uint8_t* others, size_t n, uint8_t usual, uint8_t* symbols) {
  const __m512i all_usual = _mm512_set1_epi8(static_cast<char>(usual));
  for (size_t i = 0; i < n; i += at_once) {
    const size_t left = n - i;
    const __mmask64 marks = load_u64(flags + i / 8) & first_bytes(left);
    store(symbols + i, _mm512_mask_expand_epi8(all_usual, marks, load(others)));
    others += _mm_popcnt_u64(marks);
  }
}

}  // namespace

void add_avx512_planes(Kernels& table) {
  table.note_uncounted = note_uncounted<SymbolSet, at_once>;
  table.count_ones = count_ones;
  table.split_planes = split_planes;
  table.merge_planes = merge_planes;
  table.part_others = part_others;
  table.place_others = place_others;
}

}  // namespace cairn
