#include "targets.h"

#include <cstring>
#include <optional>

#include "base/scratch.h"
#include "checking.h"
#include "contents.h"
#include "mutations.h"

namespace cairn::fuzz {

namespace {

constexpr int damages_a_case = 2;

// The contents of a case's seed, kept for the next one: mutations of one encoding share them.
const Contents& seed_contents_of(const Case& from) {
  static std::unique_ptr<Contents> held;
  static uint32_t held_for = 0;  // no case has no elements
  const uint32_t key = from.elements | uint32_t{from.seed} << 16 | uint32_t{from.element} << 24;
  if (key != held_for) held = std::make_unique<Contents>(Contents::of_seed(from));
  held_for = key;
  return *held;
}

size_t encode(const Codec& codec, const Case& from, const Contents& contents, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(this_thread_scratch());
  return codec.encode({contents.raw.data.get(), contents.base.data.get(), contents.length, element_of(from), contents.companion.data.get(), codec.role,
                       columns_of(from), from.seed % columns_of(from)}, this_thread_scratch(), out, capacity);
}

bool decode(const Codec& codec, const Case& from, const Contents& contents, const uint8_t* stored, size_t length, uint8_t* raw) {
  const Scratch::Scope scope(this_thread_scratch());
  return codec.decode({stored, length}, this_thread_scratch(), {raw, codec.role == Role::base ? contents.base.data.get() : nullptr, contents.length, element_of(from),
                       codec.role > Role::base ? contents.companion.data.get() : nullptr});
}

void compare_decoders(const Codec& codec, const Case& from, const Contents& contents, const std::vector<uint8_t>& block) {
  const Bytes stored(block.size()), first(contents.length + slack), other(contents.length + slack);
  if (!block.empty()) std::memcpy(stored.data.get(), block.data(), block.size());
  bool accepted = false;
  with_each_implementation([&](bool is_first) {
    uint8_t* const raw = is_first ? first.data.get() : other.data.get();
    const bool accepts = decode(codec, from, contents, stored.data.get(), block.size(), raw);
    if (is_first) accepted = accepts;
    else if (accepts != accepted) fail(from, "one implementation accepts what another refuses");
    else if (accepts && std::memcmp(first.data.get(), raw, contents.length) != 0) fail(from, "implementations decode to different bytes");
  });
}

// The encoded block, or nothing where it does not fit.
std::optional<std::vector<uint8_t>> compare_encoders(const Codec& codec, const Case& from, const Contents& contents) {
  // A capacity below what is needed must be respected too: a quarter of the seeds leave little room.
  const size_t capacity = from.seed % 4 == 3 ? contents.length / 3 : contents.length;
  const Bytes first(capacity + slack), other(capacity + slack);
  size_t written = 0;
  with_each_implementation([&](bool is_first) {
    uint8_t* const out = is_first ? first.data.get() : other.data.get();
    const size_t length = encode(codec, from, contents, out, capacity);
    if (length != does_not_fit && length > capacity) fail(from, "more was written than the capacity");
    if (is_first) written = length;
    else if (length != written || (length != does_not_fit && std::memcmp(first.data.get(), out, length) != 0)) fail(from, "implementations write different bytes");
  });
  if (written == does_not_fit) return std::nullopt;
  return std::vector<uint8_t>(first.data.get(), first.data.get() + written);
}

void check_round_trip(const Codec& codec, const Case& from, const Contents& contents, const std::vector<uint8_t>& block) {
  const Bytes stored(block.size());
  if (!block.empty()) std::memcpy(stored.data.get(), block.data(), block.size());
  with_each_implementation([&](bool) {
    const Bytes raw(contents.length + slack);
    if (!decode(codec, from, contents, stored.data.get(), block.size(), raw.data.get())) fail(from, "what was encoded is not accepted");
    if (std::memcmp(raw.data.get(), contents.raw.data.get(), contents.length) != 0) fail(from, "what was encoded decodes to something else");
  });
}

// A number that depends on all of a case, so that the same case is damaged the same way.
uint64_t sum_of(const Case& from) {
  uint64_t sum = 0xcbf29ce484222325;  // FNV-1a
  for (const uint8_t byte : write_case(from)) sum = (sum ^ byte) * 0x100000001b3;
  return sum;
}

}  // namespace

Case encode_case(const Case& from) {
  Case result{from.codec, from.element, from.seed, from.elements, {}};
  const Codec& codec = *find_codec(from.codec);
  if (codec.encode == nullptr) return result;
  const Contents contents = Contents::of_seed(result);
  std::vector<uint8_t> out(contents.length + slack);
  const size_t length = encode(codec, result, contents, out.data(), contents.length);
  if (length != does_not_fit) result.bytes.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(length));
  return result;
}

void check_decoders(const Case& from) {
  const Codec& codec = *find_codec(from.codec);
  if (codec.decode != nullptr) compare_decoders(codec, from, seed_contents_of(from), from.bytes);
}

void check_implementations(const Case& from) {
  const Codec& codec = *find_codec(from.codec);
  if (codec.encode == nullptr) return;
  const Contents contents = Contents::of_bytes(from);
  const auto block = compare_encoders(codec, from, contents);
  if (!block) return;
  check_round_trip(codec, from, contents, *block);
  Random random(sum_of(from));
  for (int times = 0; times < damages_a_case; ++times) {
    std::vector<uint8_t> damaged = *block;
    damage(damaged, random);
    compare_decoders(codec, from, contents, damaged);
  }
}

}  // namespace cairn::fuzz
