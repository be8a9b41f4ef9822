#include <algorithm>
#include <cstring>
#include <vector>

#include "base/scratch.h"
#include "checking.h"
#include "codecs/choose.h"
#include "contents.h"
#include "targets.h"

namespace cairn::fuzz {

namespace {

constexpr size_t most_block_elements = size_t{1} << 19;

// Most cases stay small; some are as large as blocks get, where planning looks at samples.
size_t elements_of(const Case& from) {
  const unsigned log = from.seed % 8 < 5 ? 0 : from.seed % 8 - 3;
  return std::min(size_t{from.elements} << log, most_block_elements);
}

// The codec's bits say whether there is a base, and which companion.
RawBlock block_of(const Case& from, const Contents& contents) {
  const bool is_half = element_of(from) == Element::bfloat16 || element_of(from) == Element::float16;
  RawBlock block{contents.raw.data.get(), from.codec % 2 == 0 ? nullptr : contents.base.data.get(), contents.length, element_of(from)};
  if (is_half && from.codec % 4 >= 2) block.companion_role = Role::master;
  if (element_of(from) == Element::float32 && from.codec % 8 >= 6) block.companion_role = Role::second_moment;
  if (block.companion_role != Role::none) block.companion = contents.companion.data.get();
  if (from.codec % 8 >= 4) {
    block.columns = columns_of(from);
    block.first_column = from.seed % block.columns;
  }
  return block;
}

void check_decoding(const Case& from, const RawBlock& block, const uint8_t* stored, size_t length) {
  const Codec* const codec = find_codec(stored[0]);
  if (codec == nullptr || codec->decode == nullptr) fail(from, "what was chosen is no codec of tensors");
  const Bytes raw(block.length + slack);
  const RawTarget target{raw.data.get(), codec->role == Role::base ? block.base : nullptr, block.length, block.element,
                         codec->role > Role::base ? block.companion : nullptr};
  const Scratch::Scope scope(this_thread_scratch());
  if (!codec->decode({stored + 1, length - 1}, this_thread_scratch(), target)) fail(from, "what was chosen is not accepted");
  if (std::memcmp(raw.data.get(), block.raw, block.length) != 0) fail(from, "what was chosen decodes to something else");
}

void check_method(const Case& from, Method method, const RawBlock& block) {
  std::vector<uint8_t> first;
  with_each_implementation([&](bool is_first) {
    const Bytes out(block.length + 1 + slack);
    const size_t length = encode_chosen(method, block, this_thread_scratch(), out.data.get());
    if (length == 0 || length > block.length + 1) fail(from, "more is stored than raw and a byte");
    const Bytes stored(length);
    std::memcpy(stored.data.get(), out.data.get(), length);
    if (is_first) first.assign(stored.data.get(), stored.data.get() + length);
    else if (first.size() != length || std::memcmp(first.data(), stored.data.get(), length) != 0) fail(from, "implementations choose different bytes");
    check_decoding(from, block, stored.data.get(), length);
  });
}

}  // namespace

void check_choice(const Case& from) {
  const Contents contents = Contents::of_bytes(from, elements_of(from));
  const RawBlock block = block_of(from, contents);
  check_method(from, Method::cairn, block);
  check_method(from, Method::lmc, block);
}

}  // namespace cairn::fuzz
