// difference-planes (conditioned.md): the byte planes of the zigzagged differences, each coded alone.
#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/conditioned.h"
#include "codecs/conditioned_head.h"
#include "codecs/entropy.h"
#include "codecs/plane_counts.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

enum Mode : uint8_t { mode_constant = 0, mode_raw = 1, mode_coded = 2 };

constexpr size_t coded_header = 1 + 4;  // mode, length

struct Zigzags {
  DifferenceShape shape;
  uint16_t* pairs;  // key << 8 | any byte
  const uint8_t* values;  // `width` bytes each
  bool sayable;           // false where a difference is half of all there are
};

template <class T>
bool zigzag_in_place(const uint16_t* pairs, size_t count, unsigned trailing_bits, uint8_t* magnitudes) {
  const auto limit = static_cast<T>(T{1} << (sizeof(T) * 8 - 1 - trailing_bits));
  T any = 0;
  for (size_t i = 0; i < count; ++i) {
    T magnitude;
    std::memcpy(&magnitude, magnitudes + i * sizeof(T), sizeof(T));
    any |= magnitude;
    const auto zigzag = static_cast<T>(magnitude << 1 | (pairs[i] & 1));
    std::memcpy(magnitudes + i * sizeof(T), &zigzag, sizeof(T));
  }
  return (any & limit) == 0;
}

Zigzags take_zigzags(const RawBlock& block, size_t count, Scratch& scratch) {
  Zigzags result{shape_of(block.element), nullptr, nullptr, false};
  result.shape.trailing_bits = static_cast<uint8_t>(count_trailing_zeros(block.raw, block.length, result.shape));
  const Differences differences = take_differences(scratch, count, result.shape.width);
  kernels().classify_differences(block.raw, block.base, count, result.shape, differences);
  const unsigned trailing_bits = result.shape.trailing_bits;
  result.sayable = result.shape.width == 1   ? zigzag_in_place<uint8_t>(differences.pairs, count, trailing_bits, differences.magnitudes)
                   : result.shape.width == 2 ? zigzag_in_place<uint16_t>(differences.pairs, count, trailing_bits, differences.magnitudes)
                                             : zigzag_in_place<uint32_t>(differences.pairs, count, trailing_bits, differences.magnitudes);
  result.pairs = differences.pairs;
  result.values = differences.magnitudes;
  return result;
}

struct PlaneCode {
  KeyTables tables;
  uint64_t bits;           // of the symbols counted
  uint64_t expected_bits;  // of as many others, where these are a sample (see TablePrice)
};

PlaneCode plan_plane(const KeyCounts& counts, const TablePrice& price, Scratch& scratch) {
  uint8_t same[256];
  for (unsigned symbol = 0; symbol < 256; ++symbol) same[symbol] = static_cast<uint8_t>(symbol);
  PlaneCode code{};
  choose_ranges(counts, same, 0, most_tables, price, scratch, code.tables);
  uint32_t sums[256];
  for (unsigned i = 0; i < code.tables.count; ++i) {
    KeyTable& table = code.tables.tables[i];
    sum_rows(counts, same, table, 0, sums);
    table.code = build_prefix_code(sums, longest_difference_code);
    code.bits += coded_bits(table.code, sums);
    code.expected_bits += sample_bias(weigh_counts(sums).distinct) >> bit_fraction;
  }
  code.expected_bits += code.bits;
  return code;
}

void fill_plane_entries(const KeyCounts& counts, const KeyTables& tables, uint32_t* entries) {
  for (unsigned i = 0; i < tables.count; ++i) {
    const KeyTable& table = tables.tables[i];
    uint16_t codes[256];
    assign_codes(table.code, codes);
    for (unsigned key = table.first_key; key <= table.last_key; ++key) {
      for (unsigned symbol = 0; counts.present[key] && symbol < 256; ++symbol) {
        entries[key << 8 | symbol] = uint32_t{table.code.lengths[symbol]} << pair_code_bits_shift | uint32_t{codes[symbol]} << pair_code_shift;
      }
    }
  }
}

size_t write_raw_plane(const uint16_t* pairs, size_t count, uint8_t* out, size_t capacity) {
  if (count + 1 > capacity) return does_not_fit;
  out[0] = mode_raw;
  for (size_t i = 0; i < count; ++i) out[1 + i] = static_cast<uint8_t>(pairs[i]);
  return count + 1;
}

size_t write_coded_plane(const uint16_t* pairs, size_t count, const KeyCounts& counts, const PlaneCode& code, unsigned key_bits, Scratch& scratch, uint8_t* out,
                         size_t capacity) {
  uint8_t* const head = scratch.take<uint8_t>(longest_key_tables);
  BitWriter bits(head);
  write_key_tables(code.tables, key_bits, bits);
  const auto head_length = static_cast<size_t>(bits.finish() - head);
  if (coded_header + head_length >= capacity) return does_not_fit;
  std::memcpy(out + coded_header, head, head_length);
  uint32_t* const entries = scratch.take<uint32_t>(most_keys * 256);
  fill_plane_entries(counts, code.tables, entries);
  const size_t used = coded_header + head_length;
  const size_t streams = write_streams({const_cast<uint16_t*>(pairs), nullptr}, count, 1, entries, code.bits, out + used, capacity - used);
  if (streams == does_not_fit) return does_not_fit;
  const auto length = static_cast<uint32_t>(head_length + streams);
  out[0] = mode_coded;
  std::memcpy(out + 1, &length, sizeof length);
  return used + streams;
}

template <unsigned width>
void gather_bytes(const uint8_t* values, size_t count, uint16_t* pairs) {
  for (size_t i = 0; i < count; ++i) pairs[i] = static_cast<uint16_t>((pairs[i] & 0xff00) | values[i * width]);
}

// Puts byte `plane` of every value beside its key.
void gather_plane(const Zigzags& zigzags, size_t count, unsigned plane) {
  if (zigzags.shape.width == 1) return gather_bytes<1>(zigzags.values, count, zigzags.pairs);
  if (zigzags.shape.width == 2) return gather_bytes<2>(zigzags.values + plane, count, zigzags.pairs);
  gather_bytes<4>(zigzags.values + plane, count, zigzags.pairs);
}

bool is_constant_plane(const uint16_t* pairs, size_t count) {
  unsigned differing = 0;
  for (size_t i = 1; i < count; ++i) differing |= pairs[i] ^ pairs[0];
  return (differing & 0xff) == 0;
}

// True where a sample of the plane's bytes is noise (plane_counts.h), and their keys tell less than a two-hundredth of them.
bool is_noise_plane(const Zigzags& zigzags, size_t count, unsigned plane, Scratch& scratch) {
  if (count < fewest_of_noise) return false;
  const Scratch::Scope scope(scratch);
  const auto* const pairs = reinterpret_cast<const uint16_t*>(sample_units(reinterpret_cast<const uint8_t*>(zigzags.pairs), count, sizeof(uint16_t), noise_sample, scratch));
  uint8_t* const bytes = scratch.take<uint8_t>(noise_sample);
  for (size_t i = 0; i < noise_sample; ++i) bytes[i] = static_cast<uint8_t>(pairs[i]);
  if (!is_noise_sample(bytes)) return false;
  const TablePrice price(noise_sample, count);
  return plan_plane(count_by_key(pairs, noise_sample, scratch), price, scratch).expected_bits >= 8 * (noise_sample - noise_sample / 200);
}

size_t write_plane(const Zigzags& zigzags, size_t count, unsigned plane, unsigned key_bits, Scratch& scratch, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(scratch);
  if (capacity < 2) return does_not_fit;
  gather_plane(zigzags, count, plane);
  if (is_noise_plane(zigzags, count, plane, scratch)) return write_raw_plane(zigzags.pairs, count, out, capacity);
  if (is_constant_plane(zigzags.pairs, count)) {
    out[0] = mode_constant;
    out[1] = static_cast<uint8_t>(zigzags.pairs[0]);
    return 2;
  }
  const KeyCounts counts = count_by_key(zigzags.pairs, count, scratch);
  const PlaneCode code = plan_plane(counts, TablePrice(count, count), scratch);
  if (code.bits / 8 < count) {
    const size_t coded = write_coded_plane(zigzags.pairs, count, counts, code, key_bits, scratch, out, std::min(capacity, count + 1));
    if (coded != does_not_fit) return coded;
  }
  return write_raw_plane(zigzags.pairs, count, out, capacity);
}

template <unsigned width>
void scatter_bytes(const uint8_t* plane_bytes, size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) out[i * width] = plane_bytes[i];
}

void scatter_plane(const uint8_t* plane_bytes, size_t count, unsigned width, unsigned plane, uint8_t* out) {
  if (width == 1) return scatter_bytes<1>(plane_bytes, count, out);
  if (width == 2) return scatter_bytes<2>(plane_bytes, count, out + plane);
  scatter_bytes<4>(plane_bytes, count, out + plane);
}

bool read_coded_plane(const uint8_t* from, const uint8_t* end, const DifferenceShape& shape, const RawTarget& target, size_t count, Scratch& scratch, uint8_t* plane) {
  const Scratch::Scope scope(scratch);
  BitReader bits(from, end);
  KeyTables tables;
  if (!read_key_tables(bits, 0, key_bits_of(target.element), tables) || !bits.padded()) return false;
  SymbolMeaning meanings[256];
  for (unsigned symbol = 0; symbol < 256; ++symbol) meanings[symbol] = {symbol, 0, false};
  CodedDifferences coded{};
  coded.base = target.base;
  coded.count = count;
  coded.bytes_alone = true;
  uint32_t keys[most_keys];
  return open_streams(bits.next_byte(), end, shape, tables, meanings, scratch, keys, coded) && kernels().unpack_differences(coded, shape, plane);
}

// Returns the byte after the plane, or null for bytes that no encoder writes.
const uint8_t* read_plane(const uint8_t* from, const uint8_t* end, const DifferenceShape& shape, const RawTarget& target, size_t count, Scratch& scratch, uint8_t* plane) {
  const auto left = static_cast<size_t>(end - from);
  if (left < 2) return nullptr;
  if (from[0] == mode_constant) {
    std::memset(plane, from[1], count);
    return from + 2;
  }
  if (from[0] == mode_raw) {
    if (left - 1 < count) return nullptr;
    std::memcpy(plane, from + 1, count);
    return from + 1 + count;
  }
  uint32_t length;
  if (from[0] != mode_coded || left < coded_header) return nullptr;
  std::memcpy(&length, from + 1, sizeof length);
  if (length > left - coded_header) return nullptr;
  from += coded_header;
  return read_coded_plane(from, from + length, shape, target, count, scratch, plane) ? from + length : nullptr;
}

size_t estimate_planes_of(const Zigzags& zigzags, size_t count, size_t whole, Scratch& scratch) {
  uint64_t bytes = 1;
  for (unsigned plane = zigzags.shape.width; plane-- > 0;) {
    const Scratch::Scope scope(scratch);
    gather_plane(zigzags, count, plane);
    const PlaneCode code = plan_plane(count_by_key(zigzags.pairs, count, scratch), TablePrice(count, whole), scratch);
    uint8_t* const head = scratch.take<uint8_t>(longest_key_tables);
    BitWriter bits(head);
    write_key_tables(code.tables, 8, bits);
    const auto head_length = static_cast<uint64_t>(bits.finish() - head);
    const uint64_t expected = count < whole ? code.expected_bits : code.bits;
    bytes += std::min<uint64_t>(whole + 1, expected * whole / count / 8 + head_length + 32);
  }
  return static_cast<size_t>(bytes);
}

}  // namespace

size_t encode_difference_planes(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!has_differences(block) || capacity < 1) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const size_t count = block.length / width_of(block.element);
  const Zigzags zigzags = take_zigzags(block, count, scratch);
  if (!zigzags.sayable) return does_not_fit;
  out[0] = zigzags.shape.trailing_bits;
  size_t used = 1;
  for (unsigned plane = zigzags.shape.width; plane-- > 0;) {
    const size_t written = write_plane(zigzags, count, plane, key_bits_of(block.element), scratch, out + used, capacity - used);
    if (written == does_not_fit) return does_not_fit;
    used += written;
  }
  return used;
}

bool decode_difference_planes(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  if (target.base == nullptr || key_bits_of(target.element) == 0 || stored.length < 1) return false;
  const Scratch::Scope scope(scratch);
  DifferenceShape shape = shape_of(target.element);
  shape.trailing_bits = stored.data[0];
  if (shape.trailing_bits > shape.mantissa_bits) return false;
  const size_t count = target.length / shape.width;
  uint8_t* const plane_bytes = scratch.take<uint8_t>(count);
  const uint8_t* at = stored.data + 1;
  const uint8_t* const end = stored.data + stored.length;
  for (unsigned plane = shape.width; plane-- > 0;) {
    at = read_plane(at, end, shape, target, count, scratch, plane_bytes);
    if (at == nullptr) return false;
    scatter_plane(plane_bytes, count, shape.width, plane, target.raw);
  }
  if (at != end) return false;
  kernels().restore_differences(target.base, count, shape, target.raw);
  return true;
}

size_t estimate_difference_planes(const RawBlock& block, Scratch& scratch) {
  if (!has_differences(block)) return does_not_fit;
  const Scratch::Scope scope(scratch);
  RawBlock sample;
  const size_t count = take_sample(block, scratch, sample);
  const Zigzags zigzags = take_zigzags(sample, count, scratch);
  if (!zigzags.sayable) return does_not_fit;
  return estimate_planes_of(zigzags, count, block.length / zigzags.shape.width, scratch);
}

}  // namespace cairn
