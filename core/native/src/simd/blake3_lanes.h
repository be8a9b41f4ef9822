// BLAKE3 over many chunks (or parents) side by side, written once for vectors of any width: lane k of every vector belongs to the
// k-th of them. Included by each instruction set's file, in whose unnamed namespace everything lands. Source:
// simd/blake3_constants.h; BLAKE3 paper, section 5.3.
//
// `Vector` has: Word, a vector of `lanes` 32-bit words; narrower, the implementation that takes what fills no vector; add, exclusive_or, rotate_right<bits>, repeat (one word in all lanes),
// load (from memory); gather_words, the 64 bytes of each lane's block (they lie `stride` apart) as sixteen vectors; and
// store_values, each lane's eight words one after the other.
#pragma once

#include "codecs/bit_stream.h"
#include "simd/blake3_constants.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

using namespace blake3;

template <class Vector, class Word>
CAIRN_INLINE void mix(Word& a, Word& b, Word& c, Word& d, Word x, Word y) {
  a = Vector::add(Vector::add(a, b), x);
  d = Vector::template rotate_right<16>(Vector::exclusive_or(d, a));
  c = Vector::add(c, d);
  b = Vector::template rotate_right<12>(Vector::exclusive_or(b, c));
  a = Vector::add(Vector::add(a, b), y);
  d = Vector::template rotate_right<8>(Vector::exclusive_or(d, a));
  c = Vector::add(c, d);
  b = Vector::template rotate_right<7>(Vector::exclusive_or(b, c));
}

template <class Vector, unsigned round, class Word>
CAIRN_INLINE void mix_round(Word v[16], const Word m[16]) {
  constexpr const uint8_t* order = schedule[round];
  mix<Vector>(v[0], v[4], v[8], v[12], m[order[0]], m[order[1]]);
  mix<Vector>(v[1], v[5], v[9], v[13], m[order[2]], m[order[3]]);
  mix<Vector>(v[2], v[6], v[10], v[14], m[order[4]], m[order[5]]);
  mix<Vector>(v[3], v[7], v[11], v[15], m[order[6]], m[order[7]]);
  mix<Vector>(v[0], v[5], v[10], v[15], m[order[8]], m[order[9]]);
  mix<Vector>(v[1], v[6], v[11], v[12], m[order[10]], m[order[11]]);
  mix<Vector>(v[2], v[7], v[8], v[13], m[order[12]], m[order[13]]);
  mix<Vector>(v[3], v[4], v[9], v[14], m[order[14]], m[order[15]]);
}

// Chaining values while they are made, word by word.
template <class Vector>
struct Values {
  using Word = typename Vector::Word;
  Word words[8];

  CAIRN_INLINE Values() {
    for (unsigned i = 0; i < 8; ++i) words[i] = Vector::repeat(initial[i]);
  }

  // Takes one block of each lane in.
  CAIRN_INLINE void compress(const uint8_t* input, size_t stride, Word counter_low, Word counter_high, uint32_t flags) {
    Word block[16];
    Vector::gather_words(input, stride, block);
    // Where the state alone fills all registers, the words stay in memory, from which additions read them.
    if (Vector::lanes < 16) asm volatile("" : "+m"(block));
    Word v[16];
    for (unsigned i = 0; i < 8; ++i) v[i] = words[i];
    for (unsigned i = 0; i < 4; ++i) v[8 + i] = Vector::repeat(initial[i]);
    v[12] = counter_low;
    v[13] = counter_high;
    v[14] = Vector::repeat(block_bytes);
    v[15] = Vector::repeat(flags);
    mix_round<Vector, 0>(v, block);
    mix_round<Vector, 1>(v, block);
    mix_round<Vector, 2>(v, block);
    mix_round<Vector, 3>(v, block);
    mix_round<Vector, 4>(v, block);
    mix_round<Vector, 5>(v, block);
    mix_round<Vector, 6>(v, block);
    for (unsigned i = 0; i < 8; ++i) words[i] = Vector::exclusive_or(v[i], v[i + 8]);
  }
};

// One chunk in every lane.
template <class Vector>
CAIRN_INLINE void hash_chunk_lanes(const uint8_t* input, uint64_t counter, uint8_t* out) {
  alignas(64) uint32_t low[Vector::lanes], high[Vector::lanes];
  for (unsigned lane = 0; lane < Vector::lanes; ++lane) {
    low[lane] = static_cast<uint32_t>(counter + lane);
    high[lane] = static_cast<uint32_t>((counter + lane) >> 32);
  }
  const auto counter_low = Vector::load(low), counter_high = Vector::load(high);
  Values<Vector> values;
  constexpr unsigned blocks = chunk_bytes / block_bytes;
  for (unsigned b = 0; b < blocks; ++b) {
    const uint32_t flags = (b == 0 ? chunk_start : 0) | (b == blocks - 1 ? chunk_end : 0);
    values.compress(input + b * block_bytes, chunk_bytes, counter_low, counter_high, flags);
  }
  Vector::store_values(values.words, out);
}

// Kernels::hash_chunks and hash_parents: as many as fill all lanes, the others with the implementation `Vector::narrower`.
template <class Vector>
void hash_chunks(const uint8_t* input, size_t count, uint64_t counter, uint8_t* out) {
  size_t done = 0;
  for (; done + Vector::lanes <= count; done += Vector::lanes) {
    hash_chunk_lanes<Vector>(input + done * chunk_bytes, counter + done, out + done * value_bytes);
  }
  kernels_named(Vector::narrower)->hash_chunks(input + done * chunk_bytes, count - done, counter + done, out + done * value_bytes);
}

template <class Vector>
void hash_parents(const uint8_t* input, size_t count, uint8_t* out) {
  size_t done = 0;
  for (; done + Vector::lanes <= count; done += Vector::lanes) {
    Values<Vector> values;
    values.compress(input + done * block_bytes, block_bytes, Vector::repeat(0), Vector::repeat(0), parent);
    Vector::store_values(values.words, out + done * value_bytes);
  }
  kernels_named(Vector::narrower)->hash_parents(input + done * block_bytes, count - done, out + done * value_bytes);
}

}  // namespace
}  // namespace cairn
