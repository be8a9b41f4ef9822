// Zeros that lie side by side: LMC's runs take next to nothing for them, where planes spend a part of a bit on each.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// True where elements side by side are zero in some parts of the block and not in others: rows that were never trained, masks, what
// was pruned; or, where `base` is not null, where they are as in the base. Looks at samples; false for small blocks.
bool has_zero_runs(const RawBlock& block, const uint8_t* base);

}  // namespace cairn
