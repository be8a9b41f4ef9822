#include "simd/conditioned_kernels.h"

namespace cairn {

void add_avx2_conditioned(Kernels& table) {
  table.classify_differences = classify_differences;
  table.pack_differences = pack_differences;
  table.unpack_differences = unpack_differences;
}

}  // namespace cairn
