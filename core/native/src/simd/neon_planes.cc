// Planes with NEON, whose loads and stores take structures of two or four bytes apart and put them together: 16 elements at a time.
// Widths 1 and 8, and the elements that are left over, stay with the reference. No inline library templates here, see binding.gyp.
#include <arm_neon.h>

#include "codecs/bit_stream.h"
#include "simd/kernels.h"
#include "simd/scalar_planes.h"
#include "simd/symbol_set.h"

namespace cairn {
namespace {

constexpr size_t at_once = 16;

// Rotation of elements that lie apart as bytes: each byte takes the top bit of the one below it, and the lowest that of the highest.
template <unsigned width>
CAIRN_INLINE void rotate_left(uint8x16_t bytes[width]) {
  const uint8x16_t top = bytes[width - 1];
  for (unsigned p = width - 1; p > 0; --p) bytes[p] = vsriq_n_u8(vshlq_n_u8(bytes[p], 1), bytes[p - 1], 7);
  bytes[0] = vsriq_n_u8(vshlq_n_u8(bytes[0], 1), top, 7);
}

template <unsigned width>
CAIRN_INLINE void rotate_right(uint8x16_t bytes[width]) {
  const uint8x16_t bottom = bytes[0];
  for (unsigned p = 0; p + 1 < width; ++p) bytes[p] = vsliq_n_u8(vshrq_n_u8(bytes[p], 1), bytes[p + 1], 7);
  bytes[width - 1] = vsliq_n_u8(vshrq_n_u8(bytes[width - 1], 1), bottom, 7);
}

template <unsigned width>
CAIRN_INLINE void load_apart(const uint8_t* from, uint8x16_t bytes[width]) {
  if constexpr (width == 2) {
    const uint8x16x2_t two = vld2q_u8(from);
    for (unsigned p = 0; p < 2; ++p) bytes[p] = two.val[p];
  } else {
    const uint8x16x4_t four = vld4q_u8(from);
    for (unsigned p = 0; p < 4; ++p) bytes[p] = four.val[p];
  }
}

template <unsigned width>
CAIRN_INLINE void store_together(uint8_t* to, const uint8x16_t bytes[width]) {
  if constexpr (width == 2) vst2q_u8(to, uint8x16x2_t{{bytes[0], bytes[1]}});
  else vst4q_u8(to, uint8x16x4_t{{bytes[0], bytes[1], bytes[2], bytes[3]}});
}

template <unsigned width>
CAIRN_INLINE void apply_base(const uint8_t* base, uint8x16_t bytes[width]) {
  uint8x16_t of_base[width];
  load_apart<width>(base, of_base);
  for (unsigned p = 0; p < width; ++p) bytes[p] = veorq_u8(bytes[p], of_base[p]);
}

template <unsigned width>
void split_as(const uint8_t* raw, const uint8_t* base, size_t elements, bool rotated, uint8_t* const planes[8]) {
  for (size_t i = 0; i < elements; i += at_once) {
    uint8x16_t bytes[width];
    load_apart<width>(raw + width * i, bytes);
    if (base != nullptr) apply_base<width>(base + width * i, bytes);
    if (rotated) rotate_left<width>(bytes);
    for (unsigned p = 0; p < width; ++p) vst1q_u8(planes[p] + i, bytes[p]);
  }
}

template <unsigned width>
void merge_as(const uint8_t* const planes[8], const uint8_t* base, size_t elements, bool rotated, uint8_t* raw) {
  for (size_t i = 0; i < elements; i += at_once) {
    uint8x16_t bytes[width];
    for (unsigned p = 0; p < width; ++p) bytes[p] = vld1q_u8(planes[p] + i);
    if (rotated) rotate_right<width>(bytes);
    if (base != nullptr) apply_base<width>(base + width * i, bytes);
    store_together<width>(raw + width * i, bytes);
  }
}

const uint8_t* advance(const uint8_t* base, size_t offset) { return base == nullptr ? nullptr : base + offset; }

size_t whole_steps(size_t elements, PlaneShape shape) { return shape.width == 2 || shape.width == 4 ? elements / at_once * at_once : 0; }

void split_planes(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]) {
  const size_t done = whole_steps(elements, shape);
  if (shape.width == 2) split_as<2>(raw, base, done, shape.rotated, planes);
  if (shape.width == 4) split_as<4>(raw, base, done, shape.rotated, planes);
  uint8_t* rest[8];
  for (unsigned p = 0; p < shape.width; ++p) rest[p] = planes[p] + done;
  scalar_split_planes(raw + done * shape.width, advance(base, done * shape.width), elements - done, shape, rest);
}

void merge_planes(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw) {
  const size_t done = whole_steps(elements, shape);
  if (shape.width == 2) merge_as<2>(planes, base, done, shape.rotated, raw);
  if (shape.width == 4) merge_as<4>(planes, base, done, shape.rotated, raw);
  const uint8_t* rest[8];
  for (unsigned p = 0; p < shape.width; ++p) rest[p] = planes[p] + done;
  scalar_merge_planes(rest, advance(base, done * shape.width), elements - done, shape, raw + done * shape.width);
}

// ---- counting

size_t count_ones(const uint8_t* bytes, size_t n) {
  size_t ones = 0, i = 0;
  for (; i + 16 <= n; i += 16) ones += vaddlvq_u8(vcntq_u8(vld1q_u8(bytes + i)));
  for (; i < n; ++i) ones += static_cast<size_t>(__builtin_popcount(bytes[i]));
  return ones;
}

// A set of symbols, looked up in four tables of 64 bytes.
struct SymbolSet {
  uint8x16x4_t quarters[4];

  CAIRN_INLINE explicit SymbolSet(const uint32_t counts[256]) {
    uint8_t has[256];
    for (unsigned symbol = 0; symbol < 256; ++symbol) has[symbol] = counts[symbol] != 0 ? 0xff : 0;
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
      for (unsigned i = 0; i < 4; ++i) quarters[quarter].val[i] = vld1q_u8(has + 64 * quarter + 16 * i);
    }
  }

  // A look-up outside its table gives 0, so that exactly one of the four counts. A step that isn't whole is looked through one by one.
  CAIRN_INLINE bool has_all(const uint8_t* from, size_t n) const {
    if (n < at_once) return false;
    const uint8x16_t symbols = vld1q_u8(from);
    uint8x16_t has = vqtbl4q_u8(quarters[0], symbols);
    for (unsigned quarter = 1; quarter < 4; ++quarter) {
      has = vorrq_u8(has, vqtbl4q_u8(quarters[quarter], vsubq_u8(symbols, vdupq_n_u8(static_cast<uint8_t>(64 * quarter)))));
    }
    return vminvq_u8(has) != 0;
  }
};

}  // namespace

void add_neon_planes(Kernels& table) {
  table.note_uncounted = note_uncounted<SymbolSet, at_once>;
  table.count_ones = count_ones;
  table.split_planes = split_planes;
  table.merge_planes = merge_planes;
}

}  // namespace cairn
