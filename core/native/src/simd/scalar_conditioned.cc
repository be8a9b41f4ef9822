#include "simd/conditioned_kernels.h"
#include "simd/part_kernels.h"

namespace cairn {

void add_scalar_conditioned(Kernels& table) {
  table.classify_differences = classify_differences;
  table.pack_differences = pack_differences;
  table.unpack_differences = unpack_differences;
  table.restore_differences = restore_differences;
  add_part_kernels(table);
}

}  // namespace cairn
