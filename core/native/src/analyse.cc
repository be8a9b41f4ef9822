#include "analyse.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace cairn {

namespace {

// A float type as its bits: exponent width, mantissa width, and whether the largest exponent means infinity and NaN.
struct FloatShape {
  unsigned exponent_bits, mantissa_bits;
  bool has_infinity;
};

FloatShape shape_of(Element element) {
  switch (element) {
    case Element::float16: return {5, 10, true};
    case Element::bfloat16: return {8, 7, true};
    case Element::float32: return {8, 23, true};
    case Element::float64: return {11, 52, true};
    case Element::float8e4m3: return {4, 3, false};
    case Element::float8e5m2: return {5, 2, true};
    default: return {0, 0, false};
  }
}

constexpr int float32_bias = 127;

struct Float {
  explicit Float(Element element) : shape(shape_of(element)) {
    bias = (1 << (shape.exponent_bits - 1)) - 1;
    largest = (1u << shape.exponent_bits) - 1;
  }

  unsigned exponent(uint64_t bits) const { return static_cast<unsigned>(bits >> shape.mantissa_bits) & largest; }
  uint64_t mantissa(uint64_t bits) const { return bits & ((uint64_t{1} << shape.mantissa_bits) - 1); }
  bool is_negative(uint64_t bits) const { return (bits >> (shape.exponent_bits + shape.mantissa_bits) & 1) != 0; }

  // Zero and subnormal numbers in the first bin, infinities and NaN in the last, as float32 has them.
  size_t bin(uint64_t bits) const {
    const unsigned e = exponent(bits);
    if (e == 0) return 0;
    if (e == largest && shape.has_infinity) return exponent_bins - 1;
    return static_cast<size_t>(std::clamp(static_cast<int>(e) - bias + float32_bias, 1, static_cast<int>(exponent_bins) - 2));
  }

  bool is_finite(uint64_t bits) const {
    if (exponent(bits) != largest) return true;
    return !shape.has_infinity && mantissa(bits) != (uint64_t{1} << shape.mantissa_bits) - 1;
  }

  double value(uint64_t bits) const {
    const int e = static_cast<int>(exponent(bits));
    const uint64_t significand = e == 0 ? mantissa(bits) : mantissa(bits) | uint64_t{1} << shape.mantissa_bits;
    const double magnitude = std::ldexp(static_cast<double>(significand), std::max(e, 1) - bias - static_cast<int>(shape.mantissa_bits));
    return is_negative(bits) ? -magnitude : magnitude;
  }

  FloatShape shape;
  int bias;
  unsigned largest;
};

// The usual types are the machine's own, or the upper half of one.
double single_value(uint32_t bits, Element element) {
  if (element == Element::bfloat16) bits <<= 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

using Counts = std::array<uint32_t, 256>;

double entropy_bits(const Counts& counts, size_t total) {
  double sum = 0;
  for (const uint32_t count : counts) {
    if (count != 0) sum += count * std::log2(static_cast<double>(total) / count);
  }
  return sum;
}

template <class Word>
Word load(const uint8_t* bytes, size_t index) {
  Word word;
  std::memcpy(&word, bytes + index * sizeof(Word), sizeof(Word));
  return word;
}

// One entropy block of every plane.
template <class Word>
void add_planes(const uint8_t* raw, size_t count, Analysis& sums) {
  std::array<Counts, sizeof(Word)> planes{};
  for (size_t i = 0; i < count; ++i) {
    for (size_t plane = 0; plane < sizeof(Word); ++plane) ++planes[plane][raw[i * sizeof(Word) + plane]];
  }
  for (size_t plane = 0; plane < sizeof(Word); ++plane) sums.plane_bits[plane] += entropy_bits(planes[plane], count);
}

// Counts bytes of the exclusive or, and reads each bit's flips off these counts.
template <class Word>
void add_flips(const uint8_t* raw, const uint8_t* base, size_t count, Analysis& sums) {
  std::array<Counts, sizeof(Word)> planes{};
  for (size_t i = 0; i < count; ++i) {
    const Word flips = load<Word>(raw, i) ^ load<Word>(base, i);
    sums.unchanged += flips == 0;
    for (size_t plane = 0; plane < sizeof(Word); ++plane) ++planes[plane][static_cast<uint8_t>(flips >> (8 * plane))];
  }
  for (size_t bit = 0; bit < 8 * sizeof(Word); ++bit) {
    for (size_t byte = 0; byte < 256; ++byte) {
      if ((byte >> (bit % 8) & 1) != 0) sums.bit_flips[bit] += planes[bit / 8][byte];
    }
  }
}

template <class Word>
void add_exponents(const uint8_t* raw, size_t count, const Float& type, Analysis& sums) {
  for (size_t i = 0; i < count; ++i) ++sums.exponents[type.bin(load<Word>(raw, i))];
}

template <class Word>
void add_change(const uint8_t* raw, const uint8_t* base, size_t count, Element element, const Float& type, Analysis& sums) {
  const bool single = element == Element::bfloat16 || element == Element::float32;
  const auto value = [&](uint64_t bits) { return single ? single_value(static_cast<uint32_t>(bits), element) : type.value(bits); };
  for (size_t i = 0; i < count; ++i) {
    const uint64_t now = load<Word>(raw, i), before = load<Word>(base, i);
    if (!type.is_finite(now) || !type.is_finite(before)) continue;
    ++sums.finite_pairs;
    if (now != before) sums.absolute_change += std::fabs(value(now) - value(before));
  }
}

template <class Word>
void add_block(const uint8_t* raw, const uint8_t* base, size_t count, Element element, Analysis& sums) {
  sums.elements += count;
  add_planes<Word>(raw, count, sums);
  if (base != nullptr) add_flips<Word>(raw, base, count, sums);
  if (!is_float(element)) return;
  const Float type(element);
  add_exponents<Word>(raw, count, type, sums);
  if (base != nullptr) add_change<Word>(raw, base, count, element, type, sums);
}

void add_block_of(size_t width, const uint8_t* raw, const uint8_t* base, size_t count, Element element, Analysis& sums) {
  if (width == 1) add_block<uint8_t>(raw, base, count, element, sums);
  if (width == 2) add_block<uint16_t>(raw, base, count, element, sums);
  if (width == 4) add_block<uint32_t>(raw, base, count, element, sums);
  if (width == 8) add_block<uint64_t>(raw, base, count, element, sums);
}

}  // namespace

bool is_float(Element element) { return shape_of(element).exponent_bits != 0; }

void analyse(const uint8_t* raw, const uint8_t* base, size_t length, Element element, Analysis& sums) {
  const size_t width = width_of(element);
  for (size_t start = 0; start < length; start += entropy_block_bytes * width) {
    const size_t count = std::min(length - start, entropy_block_bytes * width) / width;
    add_block_of(width, raw + start, base == nullptr ? nullptr : base + start, count, element, sums);
  }
}

Analysis analyse_item(const AnalyseItem& item, const CancelFlag& cancel) {
  const size_t piece_bytes = entropy_block_bytes * width_of(item.element);
  std::vector<uint8_t> raw(piece_bytes), base(item.bases.empty() ? 0 : piece_bytes);
  OpenFiles files(File::Mode::read);
  Analysis sums;
  for (size_t index = 0; index < item.sources.size(); ++index) {
    const FileRange& source = item.sources[index];
    for (uint64_t start = 0; start < source.length; start += piece_bytes) {
      cancel.check();
      const auto length = static_cast<size_t>(std::min<uint64_t>(source.length - start, piece_bytes));
      files.open(source.path).read(raw.data(), length, source.offset + start, Code::changed);
      if (!base.empty()) files.open(item.bases[index].path).read(base.data(), length, item.bases[index].offset + start, Code::changed);
      analyse(raw.data(), base.empty() ? nullptr : base.data(), length, item.element, sums);
    }
  }
  return sums;
}

}  // namespace cairn
