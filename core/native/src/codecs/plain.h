// The codecs that need no coder: raw, constant, unchanged (FORMAT.md section 2). Interface: codec.h.
#pragma once

#include "codecs/codec.h"

namespace cairn {

// True where every element equals the first one. Requires length >= width.
bool is_constant(const RawBlock& block);

// True where the block equals its base; false without one.
bool is_unchanged(const RawBlock& block);

size_t encode_raw(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
size_t encode_constant(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);
size_t encode_unchanged(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);

bool decode_raw(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
bool decode_constant(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);
bool decode_unchanged(const StoredBlock& stored, Scratch& scratch, const RawTarget& target);

}  // namespace cairn
