// Codes made-up blocks of every kind with every implementation that the processor has, decodes each with each, and prints a digest
// of what was stored. The lines are the same on every processor: test/native/emulated.spec.ts compares them. Ends with 1
// and says which case where implementations differ or a block doesn't come back.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/scratch.h"
#include "codecs/choose.h"
#include "codecs/registry.h"
#include "simd/kernels.h"

using namespace cairn;

namespace {

using Bytes = std::vector<uint8_t>;

// xorshift32 (Marsaglia, 2003).
struct Random {
  uint32_t state;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
  }
};

// Numbers as weights are: few exponents, one sign in two, any mantissa. In units of no importance, from integers alone.
uint32_t float_pattern(Random& random) {
  unsigned exponent = 124;
  while (exponent > 90 && random.next() % 2 == 0) --exponent;
  return (random.next() & 0x807fffff) | exponent << 23;
}

uint64_t weight_of(Element element, Random& random) {
  const uint32_t pattern = float_pattern(random), sign = pattern >> 31, exponent = pattern >> 23 & 0xff, mantissa = pattern & 0x7fffff;
  const uint32_t narrow_exponent = exponent > 112 ? exponent - 112 : 0;
  switch (element) {
    case Element::float32: return pattern;
    case Element::bfloat16: return pattern >> 16;
    case Element::float16: return sign << 15 | narrow_exponent << 10 | mantissa >> 13;
    case Element::float64: return uint64_t{pattern} << 32 | random.next();
    case Element::float8e4m3: return sign << 7 | (exponent > 117 ? exponent - 117 : 0) << 3 | mantissa >> 20;
    case Element::float8e5m2: return sign << 7 | narrow_exponent << 2 | mantissa >> 21;
    default: return random.next() % 1000;
  }
}

enum Kind { weights, noise, sparse, uneven, constant, kinds };

Bytes make_raw(Element element, size_t count, Kind kind, Random& random) {
  const size_t width = width_of(element);
  Bytes bytes(count * width + slack);
  for (size_t i = 0; i < count; ++i) {
    uint64_t value = weight_of(element, random);
    if (kind == noise) value = uint64_t{random.next()} << 32 | random.next();
    if (kind == sparse && random.next() % 50 != 0) value = 0;
    if (kind == uneven && i / 65536 % 2 != 0) value = i % 7;
    if (kind == constant) value = 0x3c;
    std::memcpy(bytes.data() + i * width, &value, width);
  }
  return bytes;
}

// Moves one element in `rarity` by a few of its steps.
Bytes make_changed(const Bytes& base, size_t length, size_t width, unsigned rarity, Random& random) {
  Bytes bytes = base;
  for (size_t i = 0; i < length; i += width) {
    if (random.next() % rarity != 0) continue;
    uint64_t value = 0;
    std::memcpy(&value, base.data() + i, width);
    const unsigned by = 1u << (random.next() % 8);
    value += random.next() % by;
    value -= random.next() % by;
    std::memcpy(bytes.data() + i, &value, width);
  }
  return bytes;
}

struct Case {
  std::string name;
  RawBlock block;
};

[[noreturn]] void fail(const Case& from, const char* implementation, const char* what) {
  std::printf("%s: %s: %s\n", from.name.c_str(), implementation, what);
  std::exit(1);
}

Bytes encode_as(const RawBlock& block, Method method) {
  Bytes stored(block.length + 1 + slack);
  stored.resize(encode_chosen(method, block, this_thread_scratch(), stored.data()));
  return stored;
}

// With one codec, whether it would be chosen or not; nothing but its id where it would take more than raw.
Bytes encode_as(const RawBlock& block, CodecId id) {
  Bytes stored(block.length + 1 + slack);
  stored[0] = static_cast<uint8_t>(id);
  const size_t length = find_codec(stored[0])->encode(block, this_thread_scratch(), stored.data() + 1, block.length);
  stored.resize(length == does_not_fit ? 1 : 1 + length);
  return stored;
}

const char* name_of(Method method) { return method == Method::lmc ? "lmc" : "cairn"; }
const char* name_of(CodecId id) { return find_codec(static_cast<uint8_t>(id))->name; }

bool decodes(const RawBlock& block, const Bytes& stored) {
  Scratch& scratch = this_thread_scratch();
  const Scratch::Scope scope(scratch);
  const Codec* const codec = find_codec(stored[0]);
  Bytes raw(block.length + slack, 0xa5);
  const RawTarget target{raw.data(), block.base, block.length, block.element, codec->role == block.companion_role ? block.companion : nullptr};
  return codec->decode({stored.data() + 1, stored.size() - 1}, scratch, target) && std::memcmp(raw.data(), block.raw, block.length) == 0;
}

template <class Work>
void with_each_implementation(const Work& work) {
  for (const char* const* name = kernel_names(); *name != nullptr; ++name) {
    force_kernels(kernels_named(*name));
    work(*name);
  }
  force_kernels(nullptr);
}

std::string digest_of(const Bytes& bytes) {
  PieceDigest digest(0);
  digest.update(bytes.data(), bytes.size());
  char text[17];
  const Digest root = digest.root();
  for (unsigned i = 0; i < 8; ++i) std::snprintf(text + 2 * i, 3, "%02x", root[i]);
  return text;
}

// `how` is a method or a codec.
template <class How>
void check(const Case& from, How how) {
  Bytes first;
  with_each_implementation([&](const char* implementation) {
    const Bytes stored = encode_as(from.block, how);
    if (first.empty()) first = stored;
    if (stored != first) fail(from, implementation, "codes otherwise than scalar");
  });
  with_each_implementation([&](const char* implementation) {
    if (!decodes(from.block, first)) fail(from, implementation, "does not give back what was coded");
  });
  std::printf("%s, %s: codec %u, %zu bytes, %s\n", from.name.c_str(), name_of(how), first[0], first.size(), digest_of(first).c_str());
}

void check_elements(Element element, size_t count) {
  const size_t width = width_of(element);
  for (int kind = 0; kind < kinds; ++kind) {
    Random random{static_cast<uint32_t>(count * 31 + static_cast<size_t>(element) * 7 + static_cast<size_t>(kind) + 1)};
    const Bytes base = make_raw(element, count, static_cast<Kind>(kind), random);
    const std::string name = "element " + std::to_string(static_cast<int>(element)) + ", " + std::to_string(count) + ", kind " + std::to_string(kind);
    check({name, {base.data(), nullptr, count * width, element}}, Method::cairn);
    check({name, {base.data(), nullptr, count * width, element}}, Method::lmc);
    if (kind == noise || kind == constant) continue;
    for (const unsigned rarity : {1u, 40u}) {
      const Bytes raw = make_changed(base, count * width, width, rarity, random);
      check({name + ", one in " + std::to_string(rarity) + " changed", {raw.data(), base.data(), count * width, element}}, Method::cairn);
      check({name + ", one in " + std::to_string(rarity) + " changed", {raw.data(), base.data(), count * width, element}}, Method::lmc);
    }
  }
}

constexpr uint32_t columns = 48, first_column = 5;

// Second moments: as large as their row and their column are, give or take a factor of two.
uint32_t square_at(size_t i, Random& random) {
  const size_t place = i + first_column, row = place / columns, column = place % columns;
  return static_cast<uint32_t>(60 + row * 7 % 20 + column * 5 % 20 + random.next() % 2) << 23 | (random.next() & 0x7fffff);
}

// First moments: about as large as the root of the second.
uint32_t mean_of(uint32_t square, Random& random) {
  return (random.next() & 0x80000000) | ((square >> 24) + 63 + random.next() % 2) << 23 | (random.next() & 0x7fffff);
}

// What codecs of matrices, moments and rounded copies are for.
void check_companions(size_t count) {
  Random random{77};
  Bytes squares(count * 4 + slack), later(count * 4 + slack), means(count * 4 + slack);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t square = square_at(i, random), moved = square + random.next() % 0x1800000, mean = mean_of(square, random);
    std::memcpy(squares.data() + 4 * i, &square, 4);
    std::memcpy(later.data() + 4 * i, &moved, 4);
    std::memcpy(means.data() + 4 * i, &mean, 4);
  }
  check({"moment", {means.data(), nullptr, count * 4, Element::float32, squares.data(), Role::second_moment}}, Method::cairn);
  check({"matrix", {squares.data(), nullptr, count * 4, Element::float32, nullptr, Role::none, columns, first_column}}, Method::cairn);
  check({"matrix with base", {later.data(), squares.data(), count * 4, Element::float32, nullptr, Role::none, columns, first_column}}, CodecId::rows_base);
  Bytes rounded(count * 2 + slack);
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    std::memcpy(&word, squares.data() + 4 * i, 4);
    const auto half = static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
    std::memcpy(rounded.data() + 2 * i, &half, 2);
  }
  check({"rounded", {rounded.data(), nullptr, count * 2, Element::bfloat16, squares.data(), Role::master}}, Method::cairn);
}

void check_sums(size_t length) {
  Random random{static_cast<uint32_t>(length + 9)};
  Bytes bytes(length);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next() >> 7);
  std::string digest;
  uint32_t sum = 0;
  with_each_implementation([&](const char* implementation) {
    const std::string own = digest_of(bytes);
    const uint32_t own_sum = kernels().checksum(0xffffffff, bytes.data(), length);
    if (!digest.empty() && (own != digest || own_sum != sum)) fail({"sums of " + std::to_string(length), {}}, implementation, "differ from scalar's");
    digest = own;
    sum = own_sum;
  });
  std::printf("sums of %zu: %s %08x\n", length, digest.c_str(), sum);
}

}  // namespace

int main(int argc, char** argv) {
  // The first line is the only one that processors differ in.
  std::printf("implementations:");
  for (const char* const* name = kernel_names(); *name != nullptr; ++name) std::printf(" %s", *name);
  std::printf("\n");
  const size_t largest = argc > 1 ? static_cast<size_t>(std::atol(argv[1])) : 140000;
  for (const size_t length : {size_t{0}, size_t{1}, size_t{1023}, size_t{1025}, size_t{31 * 1024 + 77}, size_t{131072}}) check_sums(length);
  for (unsigned element = 1; element <= 10; ++element) {
    for (const size_t count : {size_t{1}, size_t{33}, size_t{130}, size_t{2113}, size_t{20011}}) check_elements(static_cast<Element>(element), count);
  }
  for (const Element element : {Element::bfloat16, Element::float16, Element::float32}) check_elements(element, largest);
  check_companions(20011);
  return 0;
}
