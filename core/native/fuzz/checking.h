// What the targets share: a finding that ends the program, and the implementations in turn.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "cases.h"
#include "simd/kernels.h"

namespace cairn::fuzz {

[[noreturn]] inline void fail(const Case& from, const char* what) {
  std::fprintf(stderr, "codec %u, element %u, %u elements, seed %u: %s\n", from.codec, from.element, from.elements, from.seed, what);
  std::abort();
}

// Runs `work` with each implementation in turn.
template <class Work>
void with_each_implementation(const Work& work) {
  for (const char* const* name = kernel_names(); *name != nullptr; ++name) {
    force_kernels(kernels_named(*name));
    work(name == kernel_names());
  }
  force_kernels(nullptr);
}

// Rows of a few hundred elements at most, so that codecs of matrices have their way.
inline uint32_t columns_of(const Case& from) { return 1 + from.seed; }

}  // namespace cairn::fuzz
