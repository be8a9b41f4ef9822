// The contents of a case: what is encoded, and what blocks are decoded against.
#pragma once

#include <memory>

#include "cases.h"

namespace cairn::fuzz {

// Zeros, in memory of exactly this size, so that the sanitizer sees one byte too far.
struct Bytes {
  explicit Bytes(size_t length) : data(new uint8_t[length]()) {}
  std::unique_ptr<uint8_t[]> data;
};

struct Contents {
  size_t length;  // bytes of raw and base; each has `slack` more
  Bytes base, raw;
  Bytes companion;  // float32 values, one an element: a master of raw's upper halves, in every other pair an exact one

  // Values as trainers have them, from the case's seed alone.
  static Contents of_seed(const Case& from) { return of_seed(from, from.elements); }
  static Contents of_seed(const Case& from, size_t elements);
  // Values that the case's bytes say: half of them, repeated, is the base, the others how raw differs. As `of_seed` without bytes.
  static Contents of_bytes(const Case& from) { return of_bytes(from, from.elements); }
  static Contents of_bytes(const Case& from, size_t elements);

 private:
  Contents(const Case& from, size_t elements);
  void fill_companion(const Case& from, size_t elements);
};

}  // namespace cairn::fuzz
