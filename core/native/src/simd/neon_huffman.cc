// Huffman streams with NEON. Codes and lengths of 16 symbols are looked up in tables of 64 bytes, where the code spans no more, then
// joined by twos and fours. Decoding is the portable loops. No inline library templates here, see binding.gyp.
#include <arm_neon.h>

#include "simd/huffman_decoding.h"
#include "simd/huffman_encoding.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t batch = 16;

// Tables of bytes by symbol; an entry is a code's bits | its length << 12, taken apart in low and high bytes.
struct CodeTables {
  uint8x16x4_t low, high;
  uint64_t aligned[256];  // for codes of a wider span and what is left of a stream, see fill_encode_table
  uint8_t first;
  bool narrow;

  explicit CodeTables(const PrefixCode& code) : first(code.first), narrow(code.last - code.first < 64) {
    uint16_t bits[256];
    assign_codes(code, bits);
    uint8_t lows[64] = {}, highs[64] = {};
    for (unsigned symbol = code.first; narrow && symbol <= code.last; ++symbol) {
      const unsigned entry = bits[symbol] | code.lengths[symbol] << 12;
      lows[symbol - first] = static_cast<uint8_t>(entry);
      highs[symbol - first] = static_cast<uint8_t>(entry >> 8);
    }
    for (unsigned i = 0; i < 4; ++i) {
      low.val[i] = vld1q_u8(lows + 16 * i);
      high.val[i] = vld1q_u8(highs + 16 * i);
    }
    fill_encode_table(code, aligned);
  }
};

// Two pieces of four codes each, and how many bits they have.
struct Pieces {
  uint64x2_t bits, counts;
};

// Eight entries.
CAIRN_INLINE Pieces join_by_four(uint16x8_t entries) {
  const uint32x4_t pairs = vreinterpretq_u32_u16(entries), code = vdupq_n_u32(0xfff);
  const uint32x4_t even_length = vandq_u32(vshrq_n_u32(pairs, 12), vdupq_n_u32(0xf)), odd = vandq_u32(vshrq_n_u32(pairs, 16), code);
  const uint32x4_t twos = vorrq_u32(vandq_u32(pairs, code), vshlq_u32(odd, vreinterpretq_s32_u32(even_length)));
  const uint32x4_t two_lengths = vaddq_u32(even_length, vshrq_n_u32(pairs, 28));
  const uint64x2_t low_half = vdupq_n_u64(0xffffffff), both = vreinterpretq_u64_u32(twos), lengths = vreinterpretq_u64_u32(two_lengths);
  const uint64x2_t shift = vandq_u64(lengths, low_half);
  return {vorrq_u64(vandq_u64(both, low_half), vshlq_u64(vshrq_n_u64(both, 32), vreinterpretq_s64_u64(shift))), vaddq_u64(shift, vshrq_n_u64(lengths, 32))};
}

CAIRN_INLINE void append_pieces(const Pieces& pieces, BitWriter& out) {
  out.put(vgetq_lane_u64(pieces.bits, 0), static_cast<unsigned>(vgetq_lane_u64(pieces.counts, 0)));
  out.put(vgetq_lane_u64(pieces.bits, 1), static_cast<unsigned>(vgetq_lane_u64(pieces.counts, 1)));
}

CAIRN_INLINE void append_batch(const uint8_t* symbols, const CodeTables& tables, BitWriter& out) {
  const uint8x16_t indices = vsubq_u8(vld1q_u8(symbols), vdupq_n_u8(tables.first));
  const uint8x16_t low = vqtbl4q_u8(tables.low, indices), high = vqtbl4q_u8(tables.high, indices);
  append_pieces(join_by_four(vreinterpretq_u16_u8(vzip1q_u8(low, high))), out);
  append_pieces(join_by_four(vreinterpretq_u16_u8(vzip2q_u8(low, high))), out);
}

uint8_t* encode_stream(const uint8_t* symbols, size_t n, const CodeTables& tables, uint8_t* out) {
  BitWriter to(out);
  size_t i = 0;
  for (; tables.narrow && i + batch <= n; i += batch) append_batch(symbols + i, tables, to);
  append_symbols(symbols + i, n - i, tables.aligned, to);
  return to.finish();
}

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  const CodeTables tables(code);
  return encode_each_stream(symbols, n, out, sizes, [&](const uint8_t* from, size_t count, uint8_t* at) { return encode_stream(from, count, tables, at); });
}

}  // namespace

void add_neon_huffman(Kernels& table) { table.encode_streams = encode_streams; }

}  // namespace cairn
