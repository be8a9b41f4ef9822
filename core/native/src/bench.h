// Speed of the codecs in memory, one thread, beside memcpy of the same bytes in the same rounds.
#pragma once

#include "request.h"
#include "simd/kernels.h"

namespace cairn {

struct BenchItem {
  FileRange source;
  bool has_base;
  FileRange base;
  Blocking blocking;
  Method method;
  const Kernels* implementation;
  uint32_t rounds;
};

struct BenchTimes {
  uint64_t stored_length;
  double encode_seconds, decode_seconds, memcpy_seconds, digest_seconds;  // medians of the rounds
};

// Throws Failure; `internal` where a block doesn't decode to what it was.
BenchTimes run_bench(const BenchItem& item);

}  // namespace cairn
