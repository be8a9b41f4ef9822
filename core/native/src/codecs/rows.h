// rows (12) and rows-base (13): matrices whose elements are about as large as their row and column say, such as an optimizer's
// mean of squared gradients. Specified in predicted.md.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// False where encode_rows would return does_not_fit whatever the capacity.
bool may_have_rows(const RawBlock& block);

size_t encode_rows(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
size_t encode_rows_base(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_rows(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
bool decode_rows_base(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
