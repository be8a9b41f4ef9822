// What must hold of a case. All abort where a promise of codec.h is broken; the sanitizers see to reads and writes outside.
#pragma once

#include "cases.h"

namespace cairn::fuzz {

// The case's bytes are a stored block. Decodes it with every implementation: all accept or all refuse, and what they
// accept is the same bytes.
void check_decoders(const Case& from);

// The case's bytes make up contents. Encodes them with every implementation: the same bytes, no more than the capacity,
// and each decodes them to what was encoded. Then damages the block: the implementations still agree.
void check_implementations(const Case& from);

// The case's bytes make up contents, of up to a whole block; its codec says with what the block comes. Chooses a codec with every
// implementation, by both methods: the same bytes, at most one more than raw, and each decodes them to what was encoded.
void check_choice(const Case& from);

// A valid case for `check_decoders`, from contents that `from.seed` stands for; without bytes where the codec has no use for them.
Case encode_case(const Case& from);

}  // namespace cairn::fuzz
