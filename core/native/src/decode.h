// Stored blocks become original bytes, in files or only as a digest; and digests of files.
#pragma once

#include <vector>

#include "request.h"

namespace cairn {

// The digest of each item, or its chaining value where it isn't whole. Bytes go to the items' targets block by block.
// Throws Failure; targets may then be written in part.
std::vector<Digest> decode_items(const std::vector<DecodeItem>& items, const CancelFlag& cancel);

// Ranges are read one after the other, as if they were one.
Digest digest_ranges(const std::vector<FileRange>& ranges, uint64_t first_chunk, bool whole, const CancelFlag& cancel);

}  // namespace cairn
