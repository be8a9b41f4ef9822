// What all kernels of differences share: elements and their order, bits at any position. Always inlined or in an unnamed namespace, so
// that no two instruction sets share a copy.
#pragma once

#include "codecs/bit_stream.h"
#include "codecs/conditioned_streams.h"
#include "simd/low_bits.h"

#if defined(__BMI2__) || defined(__AVX2__)
#include <immintrin.h>
#endif

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

// An element at any address; may alias anything, as bytes do.
template <class T>
using Unaligned [[gnu::aligned(1), gnu::may_alias]] = T;

// Magnitude number of codecs/conditioned.md.
CAIRN_INLINE uint32_t number_magnitude(uint32_t magnitude, int sub_bits) {
  const int under = 31 - __builtin_clz(magnitude | 1) - sub_bits, low_bits = under > 0 ? under : 0;
  return (static_cast<uint32_t>(low_bits) << sub_bits) + (magnitude >> low_bits);
}

// The difference of an element from its base.
template <class T>
struct Taken {
  T magnitude;
  uint8_t symbol;
};

CAIRN_INLINE uint8_t join_symbol(uint32_t number, uint32_t inward) { return static_cast<uint8_t>(number << 1 | inward); }

template <class T>
CAIRN_INLINE Taken<T> take_difference(const Order<T>& order, T raw, T base, int sub_bits) {
  const T from = base & order.kept;
  const T difference = static_cast<T>(order.to_ordered(raw) - order.to_ordered(from));
  const T below = order.negative(difference);
  const T magnitude = static_cast<T>(static_cast<T>((difference ^ below) - below) >> order.trailing);
  const uint32_t inward = (below ^ order.negative(from)) & (magnitude != 0 ? 1u : 0u);
  return {magnitude, join_symbol(number_magnitude(magnitude, sub_bits), inward)};
}

// Makes elements of zigzagged differences; `raw` may be where those are.
template <class T, bool has_trailing>
CAIRN_INLINE void restore_run(const uint8_t* base_bytes, const Unaligned<T>* zigzags, size_t count, const Order<T>& order, uint8_t* raw_bytes) {
  const auto* const base = reinterpret_cast<const Unaligned<T>*>(base_bytes);
  auto* const raw = reinterpret_cast<Unaligned<T>*>(raw_bytes);
  const Order<T> local = order;
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) {
    const T from = base[i] & local.kept, zigzag = zigzags[i];
    const T below = local.negative(from) ^ static_cast<T>(T{0} - static_cast<T>(zigzag & 1));
    const T half = static_cast<T>(zigzag >> 1), magnitude = has_trailing ? static_cast<T>(half << local.trailing) : half;
    raw[i] = local.from_ordered(static_cast<T>(local.to_ordered(from) + static_cast<T>((magnitude ^ below) - below)));
  }
}

template <class T>
CAIRN_INLINE void restore_as(const uint8_t* base, const Unaligned<T>* zigzags, size_t count, const Order<T>& order, uint8_t* raw) {
  if (order.trailing == 0) return restore_run<T, false>(base, zigzags, count, order, raw);
  restore_run<T, true>(base, zigzags, count, order, raw);
}

// Bits from `position` on: at least 57 where 8 bytes can be read there; near the end, as many as there are and then zeros.
CAIRN_INLINE uint64_t bits_at(const uint8_t* bytes, uint64_t position) { return load_u64(bytes + (position >> 3)) >> (position & 7); }

CAIRN_INLINE uint64_t bits_near_end(const uint8_t* bytes, size_t length, uint64_t position) {
  uint64_t value = 0;
  const size_t from = position >> 3;
  for (size_t i = 0; i < 8 && from + i < length; ++i) value |= uint64_t{bytes[from + i]} << (8 * i);
  return value >> (position & 7);
}

}  // namespace
}  // namespace cairn
