// One block of original bytes, wherever it comes from.
#pragma once

#include "base/file.h"
#include "base/scratch.h"
#include "request.h"

namespace cairn {

// Reads or decodes block `index` to `raw` (its length and `slack` more). Stored blocks are checked first: checksum, codec
// id, lengths, needs. Memory: a few blocks, however long the chain. Throws Failure.
void read_block(const RawSource& source, const Blocking& blocking, size_t index, OpenFiles& files, uint8_t* raw);
void read_stored_block(const StoredBlocks& blocks, size_t index, OpenFiles& files, uint8_t* raw);

// What stands in a role among `needs`, or null.
const RawSource* find_need(const std::vector<Need>& needs, Role role);

}  // namespace cairn
