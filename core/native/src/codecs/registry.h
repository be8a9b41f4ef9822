// The codecs by id, as FORMAT.md section 2 lists them.
#pragma once

#include "codecs/codec.h"

namespace cairn {

struct Codec {
  const char* name;
  EncodeBlock encode;  // null: coded elsewhere
  DecodeBlock decode;
  bool needs_base;
};

constexpr size_t codec_count = 10;

// Null for ids that are reserved.
const Codec* find_codec(uint8_t id);

}  // namespace cairn
