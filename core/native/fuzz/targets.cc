#include "targets.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/scratch.h"
#include "codecs/registry.h"
#include "simd/kernels.h"

namespace cairn::fuzz {

namespace {

// Memory of exactly this size, so that the sanitizer sees one byte too far.
struct Bytes {
  explicit Bytes(size_t length) : data(new uint8_t[length]()) {}
  std::unique_ptr<uint8_t[]> data;
};

[[noreturn]] void fail(const Case& from, const char* what) {
  std::fprintf(stderr, "codec %u, element %u, %u elements, seed %u: %s\n", from.codec, from.element, from.elements, from.seed, what);
  std::abort();
}

Element element_of(const Case& from) { return static_cast<Element>(1 + from.element % 10); }

size_t raw_length(const Case& from) { return from.elements * width_of(element_of(from)); }

uint32_t next(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

// Base and raw of a case: the seed's low bits choose how bytes are spread and how far raw is from its base.
void fill_pair(const Case& from, uint8_t* base, uint8_t* raw) {
  const size_t width = width_of(element_of(from)), length = raw_length(from);
  uint32_t state = from.seed * 2654435761u + 1;
  const unsigned spread = from.seed & 3, rarity = 1u << (from.seed >> 2 & 7);
  for (size_t i = 0; i < length; ++i) {
    const bool top = i % width == width - 1;
    const uint32_t random = next(state);
    base[i] = static_cast<uint8_t>(spread == 0 ? random : top ? 0x3c + random % (1 + spread) : random >> 8 & (spread == 3 ? 0x0f : 0xff));
    const bool changes = next(state) % rarity == 0 && (spread == 0 || !top || random % 64 == 0);
    raw[i] = changes ? static_cast<uint8_t>(base[i] ^ (next(state) & (spread == 2 ? 0xff : 7))) : base[i];
  }
}

struct Blocks {
  size_t length;
  Bytes base, raw, companion;
  explicit Blocks(const Case& from)
      : length(raw_length(from)), base(length + slack), raw(length + slack), companion(from.elements * sizeof(float) + slack) {
    fill_pair(from, base.data.get(), raw.data.get());
    fill_companion(from);
  }

 private:
  // A master of raw's upper halves with low halves that round down, up or as they like; every other pair is not exact.
  void fill_companion(const Case& from) {
    const size_t width = width_of(element_of(from));
    uint32_t state = from.seed * 40503u + 7;
    for (size_t i = 0; i < from.elements; ++i) {
      uint32_t word = next(state) & (from.seed % 2 == 0 ? 0x7fff : 0xffff);
      if (width == 2) word |= uint32_t{raw.data[i * 2]} << 16 | uint32_t{raw.data[i * 2 + 1]} << 24;
      std::memcpy(companion.data.get() + i * sizeof word, &word, sizeof word);
    }
  }
};

// The blocks of a case, kept for the next one: mutations of one encoding share them.
const Blocks& blocks_of(const Case& from) {
  static std::unique_ptr<Blocks> held;
  static uint32_t held_for = 0;  // no case has no elements
  const uint32_t key = from.elements | uint32_t{from.seed} << 16 | uint32_t{from.element} << 24;
  if (key != held_for) held = std::make_unique<Blocks>(from);
  held_for = key;
  return *held;
}

// Runs `work` with each implementation in turn.
template <class Work>
void with_each_implementation(const Work& work) {
  for (const char* const* name = kernel_names(); *name != nullptr; ++name) {
    force_kernels(kernels_named(*name));
    work(name == kernel_names());
  }
  force_kernels(nullptr);
}

// Rows of a few hundred elements at most, so that codecs of matrices have their way.
uint32_t columns_of(const Case& from) { return 1 + from.seed; }

size_t encode(const Codec& codec, const Case& from, const Blocks& blocks, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(this_thread_scratch());
  return codec.encode({blocks.raw.data.get(), blocks.base.data.get(), blocks.length, element_of(from), blocks.companion.data.get(), codec.role,
                       columns_of(from), from.seed % columns_of(from)}, this_thread_scratch(), out, capacity);
}

bool decode(const Codec& codec, const Case& from, const Blocks& blocks, const uint8_t* stored, size_t length, uint8_t* raw) {
  const Scratch::Scope scope(this_thread_scratch());
  return codec.decode({stored, length}, this_thread_scratch(), {raw, codec.role == Role::base ? blocks.base.data.get() : nullptr, blocks.length, element_of(from),
                       codec.role > Role::base ? blocks.companion.data.get() : nullptr});
}

}  // namespace

bool read_case(const uint8_t* bytes, size_t length, Case& result) {
  if (length < case_header_bytes) return false;
  result.codec = bytes[0] % codec_count;
  result.element = bytes[1];
  result.seed = bytes[2];
  result.elements = static_cast<uint16_t>(1 + (bytes[3] | bytes[4] << 8) % most_elements);
  result.stored.assign(bytes + case_header_bytes, bytes + length);
  return true;
}

std::vector<uint8_t> write_case(const Case& from) {
  const unsigned elements = from.elements - 1u;
  std::vector<uint8_t> bytes{from.codec, from.element, from.seed, static_cast<uint8_t>(elements), static_cast<uint8_t>(elements >> 8)};
  bytes.insert(bytes.end(), from.stored.begin(), from.stored.end());
  return bytes;
}

Case encode_case(uint8_t codec, uint8_t element, uint8_t seed, uint16_t elements) {
  Case result{codec, element, seed, elements, {}};
  const Codec& coder = *find_codec(codec);
  if (coder.encode == nullptr) return result;
  const Blocks blocks(result);
  std::vector<uint8_t> out(blocks.length + slack);
  const size_t length = encode(coder, result, blocks, out.data(), blocks.length);
  if (length != does_not_fit) result.stored.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(length));
  return result;
}

void check_decoders(const Case& from) {
  const Codec& codec = *find_codec(from.codec);
  if (codec.decode == nullptr) return;
  const Blocks& blocks = blocks_of(from);
  const size_t length = from.stored.size();
  const Bytes stored(length), first(blocks.length + slack), other(blocks.length + slack);
  if (length != 0) std::memcpy(stored.data.get(), from.stored.data(), length);
  bool accepted = false;
  with_each_implementation([&](bool is_first) {
    uint8_t* const raw = is_first ? first.data.get() : other.data.get();
    const bool accepts = decode(codec, from, blocks, stored.data.get(), length, raw);
    if (is_first) accepted = accepts;
    else if (accepts != accepted) fail(from, "one implementation accepts what another refuses");
    else if (accepts && std::memcmp(first.data.get(), raw, blocks.length) != 0) fail(from, "implementations decode to different bytes");
  });
}

void check_encoders(const Case& from) {
  const Codec& codec = *find_codec(from.codec);
  if (codec.encode == nullptr) return;
  const Blocks blocks(from);
  // A capacity below what is needed must be respected too: a quarter of the seeds leave little room.
  const size_t capacity = from.seed % 4 == 3 ? blocks.length / 3 : blocks.length;
  const Bytes first(capacity + slack), other(capacity + slack), raw(blocks.length + slack);
  size_t written = 0;
  with_each_implementation([&](bool is_first) {
    uint8_t* const out = is_first ? first.data.get() : other.data.get();
    const size_t length = encode(codec, from, blocks, out, capacity);
    if (length != does_not_fit && length > capacity) fail(from, "more was written than the capacity");
    if (is_first) written = length;
    else if (length != written || (length != does_not_fit && std::memcmp(first.data.get(), out, length) != 0)) fail(from, "implementations write different bytes");
    if (length == does_not_fit) return;
    const Bytes stored(length);
    std::memcpy(stored.data.get(), out, length);
    if (!decode(codec, from, blocks, stored.data.get(), length, raw.data.get())) fail(from, "what was encoded is not accepted");
    if (std::memcmp(raw.data.get(), blocks.raw.data.get(), blocks.length) != 0) fail(from, "what was encoded decodes to something else");
  });
}

}  // namespace cairn::fuzz
