// The inner loops that exist once per instruction set, behind one table of function pointers that is chosen at start
// (dispatch.cc): the best implementation this machine runs, or the one named by CAIRN_IMPLEMENTATION.
// `scalar` is the reference; every other implementation gives exactly its results.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

struct Kernels {
  const char* name;
  // Members are added by the codecs that need them, each with a comment: requires, returns.
};

extern const Kernels scalar_kernels;

// The table in force, and by name (null where this machine can't run it or it isn't built).
const Kernels& kernels();
const Kernels* kernels_named(const char* name);

}  // namespace cairn
