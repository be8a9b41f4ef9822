// moment (11): an optimizer's mean of gradients beside its mean of their squares. Specified in predicted.md.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// False where encode_moment would return does_not_fit whatever the capacity.
bool may_be_moment(const RawBlock& block);

size_t encode_moment(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
bool decode_moment(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
