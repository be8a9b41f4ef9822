// The codecs by id, as FORMAT.md section 2 lists them.
#pragma once

#include "codecs/codec.h"

namespace cairn {

struct Codec {
  const char* name;
  EncodeBlock encode;  // null: coded elsewhere
  DecodeBlock decode;
  Role role;  // of what blocks are decoded against
};

constexpr size_t codec_count = 15;

// Null for ids that are reserved.
const Codec* find_codec(uint8_t id);

}  // namespace cairn
