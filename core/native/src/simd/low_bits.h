// The lowest bits of a number, by BMI2 where a file is compiled for it.
#pragma once

#include "codecs/bit_stream.h"

#ifdef __BMI2__
#include <immintrin.h>
#endif

namespace cairn {
namespace {

// The low `count` bits, of which only the lowest byte counts.
CAIRN_INLINE uint64_t keep_low(uint64_t bits, uint64_t count) {
#ifdef __BMI2__
  return _bzhi_u64(bits, count);  // one instruction where a mask takes two
#else
  return bits & ((uint64_t{1} << (count & 63)) - 1);
#endif
}

}  // namespace
}  // namespace cairn
