// Huffman streams with AVX2 and BMI2. Decoding is the portable loops, compiled for BMI2's shifts. Encoding looks up 512 symbols
// first, then joins their codes by twos, fours and eights in vector registers, so that only every eighth symbol
// pays for bookkeeping. No inline library templates here, see binding.gyp.
#include <immintrin.h>

#include "simd/huffman_decoding.h"
#include "simd/huffman_encoding.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

constexpr size_t batch = 512;

CAIRN_INLINE __m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
CAIRN_INLINE void store(void* to, __m256i value) { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }

// What encoding needs of a code. An entry is a code's bits | its length << 12.
struct CodeEntries {
  uint16_t entries[256];
  uint64_t aligned[256];  // for what is left of a stream, see fill_encode_table
  uint8_t first;
  bool narrow;        // a span of at most 64 symbols, looked up by shuffles
  __m256i low[4];     // low bytes of sixteen entries each, twice
  __m256i high[4];
};

CAIRN_INLINE __m256i twice(const uint8_t* bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

void fill_entries(const PrefixCode& code, CodeEntries& table) {
  uint16_t bits[256];
  assign_codes(code, bits);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    table.entries[symbol] = static_cast<uint16_t>(bits[symbol] | code.lengths[symbol] << 12);
  }
  fill_encode_table(code, table.aligned);
  table.first = code.first;
  table.narrow = code.last - code.first < 64;
  if (!table.narrow) return;
  uint8_t low[64], high[64];
  for (unsigned i = 0; i < 64; ++i) {
    const unsigned entry = code.first + i <= code.last ? table.entries[code.first + i] : 0;
    low[i] = static_cast<uint8_t>(entry);
    high[i] = static_cast<uint8_t>(entry >> 8);
  }
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    table.low[quarter] = twice(low + 16 * quarter);
    table.high[quarter] = twice(high + 16 * quarter);
  }
}

// Looks 32 indices below 64 up in four tables of sixteen: a shuffle takes bits 0 to 3, the choices bits 4 and 5.
CAIRN_INLINE __m256i look_up(const __m256i tables[4], __m256i indices, __m256i bit_4, __m256i bit_5) {
  const __m256i a = _mm256_blendv_epi8(_mm256_shuffle_epi8(tables[0], indices), _mm256_shuffle_epi8(tables[1], indices), bit_4);
  const __m256i b = _mm256_blendv_epi8(_mm256_shuffle_epi8(tables[2], indices), _mm256_shuffle_epi8(tables[3], indices), bit_4);
  return _mm256_blendv_epi8(a, b, bit_5);
}

void look_up_narrow(const uint8_t* symbols, const CodeEntries& table, uint16_t* entries) {
  const __m256i first = _mm256_set1_epi8(static_cast<char>(table.first));
  for (size_t i = 0; i < batch; i += 32) {
    const __m256i indices = _mm256_sub_epi8(load(symbols + i), first);
    const __m256i bit_4 = _mm256_slli_epi16(indices, 3), bit_5 = _mm256_slli_epi16(indices, 2);
    const __m256i low = _mm256_permute4x64_epi64(look_up(table.low, indices, bit_4, bit_5), 0xd8);
    const __m256i high = _mm256_permute4x64_epi64(look_up(table.high, indices, bit_4, bit_5), 0xd8);
    store(entries + i, _mm256_unpacklo_epi8(low, high));
    store(entries + i + 16, _mm256_unpackhi_epi8(low, high));
  }
}

void look_up_wide(const uint8_t* symbols, const CodeEntries& table, uint16_t* entries) {
  for (size_t i = 0; i < batch; i += 8) {
#pragma GCC unroll 8
    for (size_t j = 0; j < 8; ++j) entries[i + j] = table.entries[symbols[i + j]];
  }
}

// Codes joined, one a lane of 64 bits, and how many bits each has.
struct Pieces {
  __m256i bits;
  __m256i counts;
};

// Sixteen entries to four pieces of four codes.
CAIRN_INLINE Pieces join_by_four(__m256i entries) {
  const __m256i code = _mm256_set1_epi32(0xfff), length = _mm256_set1_epi32(0xf);
  const __m256i even_length = _mm256_and_si256(_mm256_srli_epi32(entries, 12), length);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(entries, 16), code);
  const __m256i twos = _mm256_or_si256(_mm256_and_si256(entries, code), _mm256_sllv_epi32(odd, even_length));
  const __m256i two_lengths = _mm256_add_epi32(even_length, _mm256_srli_epi32(entries, 28));
  const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
  const __m256i shift = _mm256_and_si256(two_lengths, low_half);
  return {_mm256_or_si256(_mm256_and_si256(twos, low_half), _mm256_sllv_epi64(_mm256_srli_epi64(twos, 32), shift)),
          _mm256_add_epi64(shift, _mm256_srli_epi64(two_lengths, 32))};
}

CAIRN_INLINE void append_lanes(const Pieces& pieces, BitWriter& out) {
  uint64_t bits[4], counts[4];
  store(bits, pieces.bits);
  store(counts, pieces.counts);
  for (unsigned lane = 0; lane < 4; ++lane) out.put(bits[lane], static_cast<unsigned>(counts[lane]));
}

// Appends 32 codes: as four pieces of eight where each fits 56 bits, else as eight pieces of four.
CAIRN_INLINE void append_entries(const uint16_t* entries, BitWriter& out) {
  const Pieces a = join_by_four(load(entries)), b = join_by_four(load(entries + 16));
  const __m256i even_counts = _mm256_unpacklo_epi64(a.counts, b.counts);
  const __m256i counts = _mm256_add_epi64(even_counts, _mm256_unpackhi_epi64(a.counts, b.counts));
  if (_mm256_movemask_epi8(_mm256_cmpgt_epi64(counts, _mm256_set1_epi64x(56))) != 0) {
    append_lanes(a, out);
    append_lanes(b, out);
    return;
  }
  const __m256i odd_bits = _mm256_sllv_epi64(_mm256_unpackhi_epi64(a.bits, b.bits), even_counts);
  const __m256i bits = _mm256_or_si256(_mm256_unpacklo_epi64(a.bits, b.bits), odd_bits);
  append_lanes({_mm256_permute4x64_epi64(bits, 0xd8), _mm256_permute4x64_epi64(counts, 0xd8)}, out);
}

uint8_t* encode_stream(const uint8_t* symbols, size_t n, const CodeEntries& table, uint8_t* out) {
  BitWriter to(out);
  size_t i = 0;
  for (; i + batch <= n; i += batch) {
    uint16_t entries[batch];
    if (table.narrow) {
      look_up_narrow(symbols + i, table, entries);
    } else {
      look_up_wide(symbols + i, table, entries);
    }
    for (size_t j = 0; j < batch; j += 32) append_entries(entries + j, to);
  }
  append_symbols(symbols + i, n - i, table.aligned, to);
  return to.finish();
}

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  CodeEntries table;
  fill_entries(code, table);
  return encode_each_stream(symbols, n, out, sizes, [&](const uint8_t* from, size_t count, uint8_t* at) { return encode_stream(from, count, table, at); });
}

}  // namespace

void add_avx2_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams_portable;
}

}  // namespace cairn
