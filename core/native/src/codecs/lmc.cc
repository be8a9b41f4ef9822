#include "codecs/lmc.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/huffman.h"
#include "codecs/zero_runs.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t sub_block_bytes = size_t{256} << 10;

enum class GroupMode : uint8_t { raw = 0, constant, huffman, runs };

struct Coding {
  PrefixCode code;
  size_t bits;
};

// The code for these symbols; a group of one value only has none.
Coding coding_for(const uint8_t* symbols, size_t n) {
  uint32_t counts[256];
  kernels().count_bytes(symbols, n, counts);
  Coding coding{build_prefix_code(counts), 0};
  coding.bits = coded_bits(coding.code, counts);
  return coding;
}

size_t encode_huffman_group(const uint8_t* symbols, size_t n, const PrefixCode& code, Scratch& scratch, uint8_t* out,
                            size_t capacity) {
  if (capacity < 1) return does_not_fit;
  out[0] = static_cast<uint8_t>(GroupMode::huffman);
  const size_t size = encode_symbols(symbols, n, code, scratch.take<uint8_t>(stream_work(n)), out + 1, capacity - 1);
  return size == does_not_fit ? does_not_fit : 1 + size;
}

// Answers does_not_fit also where the shortened symbols take as many bits as the plain ones.
size_t encode_runs_group(const uint8_t* symbols, size_t n, const Coding& plain, Scratch& scratch, uint8_t* out,
                         size_t capacity) {
  uint8_t* const shortened = scratch.take<uint8_t>(longest_shortened(n));
  const size_t shortened_size = shorten_zero_runs(symbols, n, shortened);
  const Coding runs = coding_for(shortened, shortened_size);
  if (runs.bits >= plain.bits || runs.code.lone() || capacity < 1 + longest_varint) return does_not_fit;
  out[0] = static_cast<uint8_t>(GroupMode::runs);
  uint8_t* const start = write_varint(out + 1, static_cast<uint32_t>(shortened_size));
  const size_t header = static_cast<size_t>(start - out);
  uint8_t* const work = scratch.take<uint8_t>(stream_work(shortened_size));
  const size_t size = encode_symbols(shortened, shortened_size, runs.code, work, start, capacity - header);
  return size == does_not_fit ? does_not_fit : header + size;
}

// Huffman alone or after run-length coding of zeros, whichever is smaller; raw where neither shrinks the group.
size_t encode_group(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity) {
  Scratch::Scope scope(scratch);
  const Coding plain = coding_for(symbols, n);
  if (plain.code.lone()) {
    if (capacity < 2) return does_not_fit;
    out[0] = static_cast<uint8_t>(GroupMode::constant);
    out[1] = symbols[0];
    return 2;
  }
  const size_t allowed = std::min(capacity, n);
  size_t size = does_not_fit;
  if (may_shorten(symbols, n)) size = encode_runs_group(symbols, n, plain, scratch, out, allowed);
  if (size == does_not_fit) size = encode_huffman_group(symbols, n, plain.code, scratch, out, allowed);
  if (size != does_not_fit) return size;
  if (1 + n > capacity) return does_not_fit;
  out[0] = static_cast<uint8_t>(GroupMode::raw);
  std::memcpy(out + 1, symbols, n);
  return 1 + n;
}

const uint8_t* decode_runs_group(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* symbols, size_t n) {
  uint32_t size;
  from = read_varint(from, end, size);
  if (from == nullptr || size == 0 || size > longest_shortened(n)) return nullptr;
  uint8_t* const shortened = scratch.take<uint8_t>(size);
  from = decode_symbols(from, end, shortened, size);
  return from != nullptr && restore_zero_runs(shortened, size, symbols, n) ? from : nullptr;
}

const uint8_t* decode_group(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* symbols, size_t n) {
  if (from == end) return nullptr;
  Scratch::Scope scope(scratch);
  const uint8_t mode = *from++;
  switch (mode) {
    case static_cast<uint8_t>(GroupMode::raw):
      if (static_cast<size_t>(end - from) < n) return nullptr;
      std::memcpy(symbols, from, n);
      return from + n;
    case static_cast<uint8_t>(GroupMode::constant):
      if (from == end) return nullptr;
      std::memset(symbols, *from, n);
      return from + 1;
    case static_cast<uint8_t>(GroupMode::huffman):
      return decode_symbols(from, end, symbols, n);
    case static_cast<uint8_t>(GroupMode::runs):
      return decode_runs_group(from, end, scratch, symbols, n);
    default:
      return nullptr;
  }
}

struct Groups {
  PlaneShape shape;
  uint8_t* groups[8];

  Groups(Element element, Scratch& scratch) : shape{static_cast<unsigned>(width_of(element)), false} {
    for (unsigned g = 0; g < shape.width; ++g) groups[g] = scratch.take<uint8_t>(sub_block_bytes / shape.width);
  }
};

const uint8_t* offset_by(const uint8_t* base, size_t offset) { return base == nullptr ? nullptr : base + offset; }

size_t encode(const RawBlock& block, const uint8_t* base, Scratch& scratch, uint8_t* out, size_t capacity) {
  Scratch::Scope scope(scratch);
  Groups groups(block.element, scratch);
  size_t written = 0;
  for (size_t offset = 0; offset < block.length; offset += sub_block_bytes) {
    const size_t n = std::min(sub_block_bytes, block.length - offset) / groups.shape.width;
    kernels().split_planes(block.raw + offset, offset_by(base, offset), n, groups.shape, groups.groups);
    for (unsigned g = 0; g < groups.shape.width; ++g) {
      const size_t size = encode_group(groups.groups[g], n, scratch, out + written, capacity - written);
      if (size == does_not_fit) return does_not_fit;
      written += size;
    }
  }
  return written;
}

bool decode(const StoredBlock& stored, const uint8_t* base, Scratch& scratch, const RawTarget& target) {
  Scratch::Scope scope(scratch);
  Groups groups(target.element, scratch);
  const uint8_t* from = stored.data;
  const uint8_t* const end = stored.data + stored.length;
  for (size_t offset = 0; offset < target.length; offset += sub_block_bytes) {
    const size_t n = std::min(sub_block_bytes, target.length - offset) / groups.shape.width;
    for (unsigned g = 0; g < groups.shape.width; ++g) {
      from = decode_group(from, end, scratch, groups.groups[g], n);
      if (from == nullptr) return false;
    }
    kernels().merge_planes(groups.groups, offset_by(base, offset), n, groups.shape, target.raw + offset);
  }
  return from == end;
}

}  // namespace

size_t encode_lmc(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  return encode(block, nullptr, scratch, out, capacity);
}

size_t encode_lmc_xor(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  return block.base == nullptr ? does_not_fit : encode(block, block.base, scratch, out, capacity);
}

bool decode_lmc(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  return decode(stored, nullptr, scratch, target);
}

bool decode_lmc_xor(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  return target.base != nullptr && decode(stored, target.base, scratch, target);
}

}  // namespace cairn
