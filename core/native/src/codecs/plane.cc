#include "codecs/plane.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/entropy.h"
#include "codecs/huffman.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

// The most frequent symbol, the lowest of several.
uint8_t usual_of(const PlaneCounts& plane) { return static_cast<uint8_t>(std::max_element(plane.counts, plane.counts + 256) - plane.counts); }

// A saving of less than a thousandth is not worth decoding.
bool worth_coding(size_t size, size_t n) { return size < n - n / 1024; }

// Bytes of a huffman plane of n symbols, give or take a stream's padding; from a sample, about.
size_t huffman_size(const PrefixCode& code, const PlaneCounts& plane, size_t n) {
  uint8_t table[longest_prefix_code + 8];
  BitWriter bits(table);
  write_prefix_code(code, bits);
  const size_t table_size = static_cast<size_t>(bits.finish() - table);
  const size_t stream_sizes = n < 2048 ? 1 + (n >= 128) : most_streams * (n < 131072 ? 2 : 3);
  const uint64_t flattered = plane.counted < n ? sample_bias(weigh_counts(plane.counts).distinct) >> bit_fraction : 0;
  return 1 + table_size + stream_sizes + (coded_bits(code, plane.counts) + flattered) * n / plane.counted / 8;
}

// Where codes are looked up in groups (simd/huffman_decoding.h), tables of 11 bits take half the room of those of 12, and the
// first-level cache holds them beside the streams. Longer codes are worth that where they save a
// five-hundredth, or where 11 bits hold hardly more than two.
PrefixCode choose_code(const PlaneCounts& plane, size_t n) {
  constexpr size_t fewest_grouped = 16384;
  const PrefixCode best = build_prefix_code(plane.counts);
  if (n < fewest_grouped || longest_code(best) <= short_code_bits) return best;
  const uint64_t bits = coded_bits(best, plane.counts);
  if (bits > 4 * plane.counted) return best;
  const PrefixCode shorter = build_prefix_code(plane.counts, short_code_bits);
  return coded_bits(shorter, plane.counts) - bits < bits / 512 ? shorter : best;
}

size_t encode_constant_plane(uint8_t symbol, uint8_t* out, size_t capacity) {
  if (capacity < 2) return does_not_fit;
  out[0] = static_cast<uint8_t>(PlaneMode::constant);
  out[1] = symbol;
  return 2;
}

size_t encode_huffman_plane(const uint8_t* symbols, size_t n, const PrefixCode& code, Scratch& scratch, uint8_t* out,
                            size_t capacity) {
  if (capacity < 1) return does_not_fit;
  Scratch::Scope scope(scratch);
  out[0] = static_cast<uint8_t>(PlaneMode::huffman);
  const size_t size = encode_symbols(symbols, n, code, scratch.take<uint8_t>(stream_work(n)), out + 1, capacity - 1);
  return size == does_not_fit ? does_not_fit : 1 + size;
}

size_t encode_sparse_plane(const uint8_t* symbols, size_t n, uint8_t usual, unsigned depth, Scratch& scratch, uint8_t* out,
                           size_t capacity) {
  if (capacity < 2) return does_not_fit;
  Scratch::Scope scope(scratch);
  uint8_t* const flags = scratch.take<uint8_t>(n / 8 + 1);
  uint8_t* const others = scratch.take<uint8_t>(n);
  const size_t other_count = kernels().part_others(symbols, n, usual, flags, others);
  out[0] = static_cast<uint8_t>(PlaneMode::sparse);
  out[1] = usual;
  const size_t flags_size = encode_plane(flags, (n + 7) / 8, depth + 1, scratch, out + 2, capacity - 2);
  if (flags_size == does_not_fit) return does_not_fit;
  const size_t start = 2 + flags_size;
  const size_t others_size = encode_plane(others, other_count, deepest_plane, scratch, out + start, capacity - start);
  return others_size == does_not_fit ? does_not_fit : start + others_size;
}

// Codes of a bit or more waste most where one symbol is usual. Below three in five, flags gain nothing.
bool may_be_sparse(const PlaneCounts& plane, unsigned depth) {
  return depth < deepest_plane && plane.counted >= 64 && plane.counts[usual_of(plane)] >= plane.counted / 5 * 3;
}

constexpr size_t sparse_run = 4096;
constexpr size_t sparse_runs = 16;

// What a sparse plane would take, from coding runs from all over it. In these there may be nothing but the usual symbol.
size_t estimate_sparse(const uint8_t* symbols, size_t n, const PlaneCounts& plane, Scratch& scratch) {
  const Scratch::Scope scope(scratch);
  const size_t sampled = std::min(n, sparse_runs * sparse_run);
  const uint8_t* const sample = sampled < n ? take_runs(symbols, n, 1, sparse_run, sparse_runs, scratch) : symbols;
  const uint8_t usual = usual_of(plane);
  if (std::all_of(sample, sample + sampled, [usual](uint8_t symbol) { return symbol == usual; })) return 2;
  const size_t size = encode_sparse_plane(sample, sampled, usual, 0, scratch, scratch.take<uint8_t>(sampled), sampled);
  return size == does_not_fit ? n : size * n / sampled;
}

const uint8_t* decode_sparse_plane(const uint8_t* from, const uint8_t* end, unsigned depth, Scratch& scratch, uint8_t* symbols,
                                   size_t n) {
  if (from == end || depth >= deepest_plane) return nullptr;
  const uint8_t usual = *from++;
  Scratch::Scope scope(scratch);
  const size_t flag_bytes = (n + 7) / 8;
  uint8_t* const flags = scratch.take<uint8_t>(flag_bytes);
  uint8_t* const others = scratch.take<uint8_t>(n);
  from = decode_plane(from, end, depth + 1, scratch, flags, flag_bytes);
  if (from == nullptr || (n % 8 != 0 && flags[flag_bytes - 1] >> (n % 8) != 0)) return nullptr;
  const size_t other_count = kernels().count_ones(flags, flag_bytes);
  if (other_count == 0) return nullptr;
  from = decode_plane(from, end, deepest_plane, scratch, others, other_count);
  if (from != nullptr) kernels().place_others(flags, others, n, usual, symbols);
  return from;
}

}  // namespace

size_t encode_raw_plane(const uint8_t* symbols, size_t n, uint8_t* out, size_t capacity) {
  if (1 + n > capacity) return does_not_fit;
  std::memcpy(begin_raw_plane(out), symbols, n);
  return 1 + n;
}

size_t encode_counted_plane(const uint8_t* symbols, size_t n, PlaneCounts& plane, unsigned depth, Scratch& scratch, uint8_t* out,
                            size_t capacity) {
  if (plane.counted < n) kernels().note_uncounted(symbols, n, plane.counts);
  const PrefixCode code = choose_code(plane, n);
  const size_t by_code = huffman_size(code, plane, n);
  if (code.lone()) return encode_constant_plane(code.first, out, capacity);
  if (may_be_sparse(plane, depth)) {
    // Flags and others take two passes more, so they have to gain more than a sixty-fourth.
    const size_t allowed = std::min({capacity, by_code - by_code / 64, n});
    const size_t size = encode_sparse_plane(symbols, n, usual_of(plane), depth, scratch, out, allowed);
    if (size != does_not_fit) return size;
  }
  if (!worth_coding(by_code, n)) return encode_raw_plane(symbols, n, out, capacity);
  const size_t size = encode_huffman_plane(symbols, n, code, scratch, out, std::min(capacity, n));
  return size != does_not_fit ? size : encode_raw_plane(symbols, n, out, capacity);
}

size_t encode_plane(const uint8_t* symbols, size_t n, unsigned depth, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (is_noise(symbols, n, scratch)) return encode_raw_plane(symbols, n, out, capacity);
  PlaneCounts plane = count_plane(symbols, n, scratch);
  return encode_counted_plane(symbols, n, plane, depth, scratch, out, capacity);
}

const uint8_t* decode_plane(const uint8_t* from, const uint8_t* end, unsigned depth, Scratch& scratch, uint8_t* symbols, size_t n,
                            const Wanted& wanted) {
  if (from == end) return nullptr;
  const uint8_t mode = *from++;
  switch (mode) {
    case static_cast<uint8_t>(PlaneMode::raw):
      if (static_cast<size_t>(end - from) < n) return nullptr;
      std::memcpy(symbols, from, n);
      return from + n;
    case static_cast<uint8_t>(PlaneMode::constant):
      if (from == end) return nullptr;
      std::memset(symbols, *from, n);
      return from + 1;
    case static_cast<uint8_t>(PlaneMode::huffman):
      return decode_symbols(from, end, symbols, n, wanted);
    case static_cast<uint8_t>(PlaneMode::sparse):
      return decode_sparse_plane(from, end, depth, scratch, symbols, n);
    default:
      return nullptr;
  }
}

size_t estimate_plane(const uint8_t* symbols, size_t n, Scratch& scratch) {
  if (is_noise(symbols, n, scratch)) return 1 + n;
  const PlaneCounts plane = count_plane(symbols, n, scratch);
  const PrefixCode code = build_prefix_code(plane.counts);
  if (code.lone()) return 2;
  const size_t by_code = huffman_size(code, plane, n);
  const size_t smallest = may_be_sparse(plane, 0) ? std::min(by_code, estimate_sparse(symbols, n, plane, scratch)) : by_code;
  return worth_coding(smallest, n) ? smallest : 1 + n;
}

}  // namespace cairn
