// BLAKE3, eight chunks (or parents) side by side: lane k of every vector belongs to the k-th of them. What is left
// over goes to the scalar kernels. Source: simd/blake3_constants.h; BLAKE3 paper, section 5.3.
#include <immintrin.h>

#include "simd/blake3_constants.h"
#include "simd/kernels.h"

namespace cairn {

namespace {

using namespace blake3;

#define CAIRN_INLINE_HERE [[gnu::always_inline]] static inline

CAIRN_INLINE_HERE __m256i add(__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }

CAIRN_INLINE_HERE __m256i rotate_16(__m256i v) {
  return _mm256_shuffle_epi8(v, _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12, 15, 14, 9, 8, 11, 10, 5,
                                                4, 7, 6, 1, 0, 3, 2));
}

CAIRN_INLINE_HERE __m256i rotate_8(__m256i v) {
  return _mm256_shuffle_epi8(v, _mm256_set_epi8(12, 15, 14, 13, 8, 11, 10, 9, 4, 7, 6, 5, 0, 3, 2, 1, 12, 15, 14, 13, 8, 11, 10, 9, 4,
                                                7, 6, 5, 0, 3, 2, 1));
}

template <int bits>
CAIRN_INLINE_HERE __m256i rotate(__m256i v) {
  return _mm256_or_si256(_mm256_srli_epi32(v, bits), _mm256_slli_epi32(v, 32 - bits));
}

CAIRN_INLINE_HERE void mix(__m256i& a, __m256i& b, __m256i& c, __m256i& d, __m256i x, __m256i y) {
  a = add(add(a, b), x);
  d = rotate_16(_mm256_xor_si256(d, a));
  c = add(c, d);
  b = rotate<12>(_mm256_xor_si256(b, c));
  a = add(add(a, b), y);
  d = rotate_8(_mm256_xor_si256(d, a));
  c = add(c, d);
  b = rotate<7>(_mm256_xor_si256(b, c));
}

// Eight vectors of eight words become their transpose.
CAIRN_INLINE_HERE void transpose(__m256i v[8]) {
  const __m256i a0 = _mm256_unpacklo_epi32(v[0], v[1]), a1 = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i a2 = _mm256_unpacklo_epi32(v[2], v[3]), a3 = _mm256_unpackhi_epi32(v[2], v[3]);
  const __m256i a4 = _mm256_unpacklo_epi32(v[4], v[5]), a5 = _mm256_unpackhi_epi32(v[4], v[5]);
  const __m256i a6 = _mm256_unpacklo_epi32(v[6], v[7]), a7 = _mm256_unpackhi_epi32(v[6], v[7]);
  const __m256i b0 = _mm256_unpacklo_epi64(a0, a2), b1 = _mm256_unpackhi_epi64(a0, a2);
  const __m256i b2 = _mm256_unpacklo_epi64(a1, a3), b3 = _mm256_unpackhi_epi64(a1, a3);
  const __m256i b4 = _mm256_unpacklo_epi64(a4, a6), b5 = _mm256_unpackhi_epi64(a4, a6);
  const __m256i b6 = _mm256_unpacklo_epi64(a5, a7), b7 = _mm256_unpackhi_epi64(a5, a7);
  v[0] = _mm256_permute2x128_si256(b0, b4, 0x20);
  v[1] = _mm256_permute2x128_si256(b1, b5, 0x20);
  v[2] = _mm256_permute2x128_si256(b2, b6, 0x20);
  v[3] = _mm256_permute2x128_si256(b3, b7, 0x20);
  v[4] = _mm256_permute2x128_si256(b0, b4, 0x31);
  v[5] = _mm256_permute2x128_si256(b1, b5, 0x31);
  v[6] = _mm256_permute2x128_si256(b2, b6, 0x31);
  v[7] = _mm256_permute2x128_si256(b3, b7, 0x31);
}

CAIRN_INLINE_HERE void load_words(const uint8_t* input, size_t stride, __m256i words[16]) {
  for (unsigned lane = 0; lane < 8; ++lane) {
    words[lane] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input + lane * stride));
    words[lane + 8] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input + lane * stride + 32));
  }
  transpose(words);
  transpose(words + 8);
}

template <unsigned round>
CAIRN_INLINE_HERE void mix_round(__m256i v[16], const __m256i m[16]) {
  constexpr const uint8_t* order = schedule[round];
  mix(v[0], v[4], v[8], v[12], m[order[0]], m[order[1]]);
  mix(v[1], v[5], v[9], v[13], m[order[2]], m[order[3]]);
  mix(v[2], v[6], v[10], v[14], m[order[4]], m[order[5]]);
  mix(v[3], v[7], v[11], v[15], m[order[6]], m[order[7]]);
  mix(v[0], v[5], v[10], v[15], m[order[8]], m[order[9]]);
  mix(v[1], v[6], v[11], v[12], m[order[10]], m[order[11]]);
  mix(v[2], v[7], v[8], v[13], m[order[12]], m[order[13]]);
  mix(v[3], v[4], v[9], v[14], m[order[14]], m[order[15]]);
}

// One block of each lane; `value` holds the chaining values, word by word.
CAIRN_INLINE_HERE void compress_8(__m256i value[8], const uint8_t* input, size_t stride, __m256i counter_low, __m256i counter_high,
                                  uint32_t flags) {
  alignas(32) __m256i words[16];
  load_words(input, stride, words);
  // The words stay in memory, where additions read them: the state alone fills all sixteen registers.
  asm volatile("" : "+m"(words));
  __m256i v[16];
  for (unsigned i = 0; i < 8; ++i) v[i] = value[i];
  for (unsigned i = 0; i < 4; ++i) v[8 + i] = _mm256_set1_epi32(static_cast<int>(initial[i]));
  v[12] = counter_low;
  v[13] = counter_high;
  v[14] = _mm256_set1_epi32(block_bytes);
  v[15] = _mm256_set1_epi32(static_cast<int>(flags));
  mix_round<0>(v, words);
  mix_round<1>(v, words);
  mix_round<2>(v, words);
  mix_round<3>(v, words);
  mix_round<4>(v, words);
  mix_round<5>(v, words);
  mix_round<6>(v, words);
  for (unsigned i = 0; i < 8; ++i) value[i] = _mm256_xor_si256(v[i], v[i + 8]);
}

CAIRN_INLINE_HERE void start(__m256i value[8]) {
  for (unsigned i = 0; i < 8; ++i) value[i] = _mm256_set1_epi32(static_cast<int>(initial[i]));
}

CAIRN_INLINE_HERE void store_values(__m256i value[8], uint8_t* out) {
  transpose(value);
  for (unsigned lane = 0; lane < 8; ++lane) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + lane * value_bytes), value[lane]);
}

void hash_8_chunks(const uint8_t* input, uint64_t counter, uint8_t* out) {
  alignas(32) uint32_t low[8], high[8];
  for (unsigned lane = 0; lane < 8; ++lane) {
    low[lane] = static_cast<uint32_t>(counter + lane);
    high[lane] = static_cast<uint32_t>((counter + lane) >> 32);
  }
  const __m256i counter_low = _mm256_load_si256(reinterpret_cast<const __m256i*>(low));
  const __m256i counter_high = _mm256_load_si256(reinterpret_cast<const __m256i*>(high));
  __m256i value[8];
  start(value);
  constexpr unsigned blocks = chunk_bytes / block_bytes;
  for (unsigned b = 0; b < blocks; ++b) {
    const uint32_t flags = (b == 0 ? chunk_start : 0) | (b == blocks - 1 ? chunk_end : 0);
    compress_8(value, input + b * block_bytes, chunk_bytes, counter_low, counter_high, flags);
  }
  store_values(value, out);
}

void hash_chunks(const uint8_t* input, size_t count, uint64_t counter, uint8_t* out) {
  for (; count >= 8; count -= 8) {
    hash_8_chunks(input, counter, out);
    input += 8 * chunk_bytes;
    counter += 8;
    out += 8 * value_bytes;
  }
  kernels_named("scalar")->hash_chunks(input, count, counter, out);
}

void hash_parents(const uint8_t* input, size_t count, uint8_t* out) {
  for (; count >= 8; count -= 8) {
    __m256i value[8];
    start(value);
    compress_8(value, input, block_bytes, _mm256_setzero_si256(), _mm256_setzero_si256(), parent);
    store_values(value, out);
    input += 8 * block_bytes;
    out += 8 * value_bytes;
  }
  kernels_named("scalar")->hash_parents(input, count, out);
}

}  // namespace

void add_avx2_digest(Kernels& table) {
  table.hash_chunks = hash_chunks;
  table.hash_parents = hash_parents;
}

}  // namespace cairn
