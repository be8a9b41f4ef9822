// The reference kernels that other implementations use for what they don't do better: ends, and other widths.
#pragma once

#include "simd/kernels.h"

namespace cairn {

// As in Kernels.
void scalar_split_planes(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]);
void scalar_merge_planes(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw);

}  // namespace cairn
