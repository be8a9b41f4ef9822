#include "codecs/plane_parts.h"

#include <algorithm>

#include "codecs/plane.h"

namespace cairn {
namespace {

size_t encode_parts(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (capacity < 1) return does_not_fit;
  out[0] = parts_mode;
  size_t written = 1;
  for (size_t start = 0; start < n; start += part_symbols) {
    const size_t part = std::min(part_symbols, n - start);
    PlaneCounts plane = count_plane(symbols + start, part, scratch);
    const size_t size = encode_counted_plane(symbols + start, part, plane, 0, scratch, out + written, capacity - written);
    if (size == does_not_fit) return does_not_fit;
    written += size;
  }
  return written;
}

// What is wanted while symbols start .. start + part - 1 of n are decoded.
Wanted share_of(const Wanted& wanted, size_t start, size_t part, size_t n) {
  Wanted share = wanted;
  for (Wanted::Range& range : share.ranges) {
    const size_t a_symbol = range.length / n;
    range = {range.at + start * a_symbol, part * a_symbol};
  }
  return share;
}

const uint8_t* decode_parts(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* symbols, size_t n, const Wanted& wanted) {
  for (size_t start = 0; start < n; start += part_symbols) {
    const size_t part = std::min(part_symbols, n - start);
    from = decode_plane(from, end, 0, scratch, symbols + start, part, share_of(wanted, start, part, n));
    if (from == nullptr) return nullptr;
  }
  return from;
}

}  // namespace

size_t encode_block_plane(const uint8_t* symbols, size_t n, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (n < 2 * part_symbols) return encode_plane(symbols, n, 0, scratch, out, capacity);
  if (is_noise(symbols, n, scratch)) return encode_raw_plane(symbols, n, out, capacity);
  PartedCounts plane = count_parts(symbols, n, scratch);
  if (plane.parts_pay) {
    const size_t size = encode_parts(symbols, n, scratch, out, std::min(capacity, n));
    if (size != does_not_fit) return size;
  }
  return encode_counted_plane(symbols, n, plane.all, 0, scratch, out, capacity);
}

const uint8_t* view_block_plane(const uint8_t* from, const uint8_t* end, Scratch& scratch, uint8_t* room, size_t n,
                                const Wanted& wanted, const uint8_t*& symbols) {
  symbols = room;
  if (from == end) return nullptr;
  if (*from == parts_mode) return decode_parts(from + 1, end, scratch, room, n, wanted);
  const bool raw = *from == static_cast<uint8_t>(PlaneMode::raw);
  if (!raw || static_cast<size_t>(end - from) < 1 + n) return decode_plane(from, end, 0, scratch, room, n, wanted);
  symbols = from + 1;
  return from + 1 + n;
}

}  // namespace cairn
