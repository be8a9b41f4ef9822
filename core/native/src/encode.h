// Pieces of contents become stored blocks in a slot.
#pragma once

#include <vector>

#include "base/slots.h"
#include "request.h"

namespace cairn {

struct EncodedItem {
  uint64_t slot_offset;
  uint64_t stored_length;
  std::vector<uint32_t> lengths;
  std::vector<uint32_t> checksums;
  Digest digest;
  std::vector<bool> used;
  std::vector<uint32_t> codecs;  // blocks by codec id
};

// Codes items one after the other into `slot`, which must have room for slot_bytes(items). Throws Failure.
std::vector<EncodedItem> encode_items(const std::vector<EncodeItem>& items, const CancelFlag& cancel, SlotMemory& slot);

uint64_t slot_bytes(const std::vector<EncodeItem>& items);

}  // namespace cairn
