// The inner loops that exist once per instruction set, behind one table of function pointers that is chosen at start
// (dispatch.cc): the best implementation this machine runs, or the one named by CAIRN_IMPLEMENTATION.
// `scalar` is the reference; every other implementation gives exactly its results.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

class BitWriter;
struct BitsIn;
struct CodedDifferences;
struct CodedStreams;
struct DifferenceShape;
struct Differences;
struct PrefixCode;

// Width in bytes of the elements that planes are made of, and whether each is rotated left by one bit first.
struct PlaneShape {
  unsigned width;
  bool rotated;
};

constexpr size_t split_step = 64;

struct Kernels {
  const char* name;
  // Members are added by the codecs that need them, each with a comment: requires, returns.

  // -- digest (base/digest.h; BLAKE3) --
  // Chaining values (32 bytes each, to `out`) of `count` consecutive chunks of 1024 bytes each; `counter` is the
  // index of the first chunk in its content.
  void (*hash_chunks)(const uint8_t* input, size_t count, uint64_t counter, uint8_t* out);
  // Chaining values of `count` parents, each over 64 bytes (two chaining values) of `input`. `out` may be `input`.
  void (*hash_parents)(const uint8_t* input, size_t count, uint8_t* out);

  // -- checksum --
  // CRC-32C register after `length` more bytes; `state` is 0xFFFFFFFF at first, and the final value inverted.
  uint32_t (*checksum)(uint32_t state, const uint8_t* data, size_t length);

  // -- huffman (codecs/huffman.h) --
  // Codes n symbols into the streams of StreamLayout, one behind the other at `out`, and gives the length of each. Returns their
  // sum. `out` has stream_work(n) bytes; symbols are read up to `slack` bytes past their end.
  size_t (*encode_streams)(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]);
  // Decodes all streams; false where one of them isn't consumed exactly. Writes nothing but the symbols.
  bool (*decode_streams)(const CodedStreams& coded, const PrefixCode& code);

  // -- planes (codecs/planes.h) --
  // How often each value occurs among n bytes, n below 2^32.
  void (*count_bytes)(const uint8_t* bytes, size_t n, uint32_t counts[256]);
  // counts[s] = 1 for every symbol among n that has no count yet.
  void (*note_uncounted)(const uint8_t* symbols, size_t n, uint32_t counts[256]);
  // How many bits of n bytes are 1.
  size_t (*count_ones)(const uint8_t* bytes, size_t n);
  // Gathers byte p of every element in planes[p], p from 0 to width - 1 (1, 2, 4 or 8), after XOR with the same element of
  // `base` (null: none) and, where `rotated`, a rotation of the element to the left by one bit. Planes may be written
  // `slack` bytes past their end, but not where there are whole steps of split_step elements.
  void (*split_planes)(const uint8_t* raw, const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* const planes[8]);
  // The inverse; `raw` may be written `slack` bytes past its end, base is read up to `slack` past its own.
  void (*merge_planes)(const uint8_t* const planes[8], const uint8_t* base, size_t elements, PlaneShape shape, uint8_t* raw);
  // Bit i % 8 of flags[i / 8] becomes 1 where symbols[i] is not `usual` (bits past n: 0), and those symbols go to `others`
  // in order; returns how many. Symbols are read, flags and others written, up to `slack` bytes past their end.
  size_t (*part_others)(const uint8_t* symbols, size_t n, uint8_t usual, uint8_t* flags, uint8_t* others);
  // The inverse. Requires: as many others as there are flags set among the first n, flags past n are 0.
  void (*place_others)(const uint8_t* flags, const uint8_t* others, size_t n, uint8_t usual, uint8_t* symbols);

  // -- conditioned (codecs/conditioned_streams.h) --
  // Takes the differences of `count` elements apart. Requires: raw has no bit set among the trailing ones.
  void (*classify_differences)(const uint8_t* raw, const uint8_t* base, size_t count, const DifferenceShape& shape, const Differences& to);
  // Codes the elements first..last-1 into one bit stream at `out` and returns its end; up to 8 bytes more may be written.
  // `entries` by pair, see conditioned_streams.h.
  uint8_t* (*pack_differences)(const Differences& from, size_t first, size_t last, unsigned width, const uint32_t* entries, uint8_t* out);
  // Decodes all streams to elements (or to symbols, one byte each); false where one isn't consumed exactly or has a symbol
  // that no encoder writes. Writes nothing but the elements.
  bool (*unpack_differences)(const CodedDifferences& in, const DifferenceShape& shape, uint8_t* out);
  // Makes elements of `count` zigzagged differences, in place.
  void (*restore_differences)(const uint8_t* base, size_t count, const DifferenceShape& shape, uint8_t* raw);

  // -- parts (codecs/part_streams.h) --
  // Maps the key of each of n elements of a base.
  void (*find_parts)(const uint8_t* base, size_t n, const DifferenceShape& shape, const uint8_t map[256], uint8_t* parts);
  // Appends each symbol to the list of its part, and moves the ends of the lists. Parts are below `part_count` or no_part, which
  // need not be appended. Writes up to 64 bytes behind each end.
  void (*part_symbols)(const uint8_t* symbols, const uint8_t* parts, size_t n, unsigned part_count, uint8_t* ends[17]);
  // The inverse: takes each symbol from the list of its part, none from that of no_part. Reads up to 64 bytes behind where a list comes to.
  void (*place_symbols)(const uint8_t* parts, size_t n, unsigned part_count, const uint8_t* nexts[17], uint8_t* symbols);
  // Symbols and magnitudes (`width` bytes each) of n differences. Requires: raw has no bit set among the trailing ones.
  void (*take_symbols)(const uint8_t* raw, const uint8_t* base, size_t n, const DifferenceShape& shape, uint8_t* symbols, uint8_t* magnitudes);
  // Writes the low bits of n elements' magnitudes.
  void (*pack_low_bits)(const uint8_t* symbols, const uint8_t* magnitudes, size_t n, const DifferenceShape& shape, const uint64_t bits_of[256], BitWriter& out);
  // Makes n elements of their base, symbols and low bits. Requires: no symbol is one that has no magnitude.
  void (*restore_symbols)(const uint8_t* base, const uint8_t* symbols, size_t n, const DifferenceShape& shape, const uint64_t bits_of[256], BitsIn& low, uint8_t* raw);
  // Writes the codes of a part's n symbols to the eight streams; symbols are read up to `slack` bytes past them.
  void (*append_part)(const uint8_t* symbols, size_t n, const uint16_t entries[256], BitWriter streams[8]);
  // Decodes n symbols of a part from eight streams within bytes[0 .. length), which go on at `positions` (in bits). Behind the end
  // are zeros, and positions tell. Requires: no code longer than longest_difference_code, and code is not lone.
  void (*decode_part)(const uint8_t* bytes, size_t length, uint64_t positions[8], const PrefixCode& code, uint8_t* symbols, size_t n);
};

// Each kernel group fills its own members, once per instruction set; dispatch.cc starts every table as a copy of the
// scalar one, so an instruction set overrides only what it does better. Declared here, called there, one line a group.
void add_scalar_digest(Kernels& table);
void add_scalar_checksum(Kernels& table);
void add_scalar_huffman(Kernels& table);
void add_scalar_planes(Kernels& table);
void add_scalar_conditioned(Kernels& table);
void add_avx2_digest(Kernels& table);
void add_avx2_checksum(Kernels& table);
void add_avx2_huffman(Kernels& table);
void add_avx2_planes(Kernels& table);
void add_avx2_conditioned(Kernels& table);
void add_avx512_digest(Kernels& table);
void add_avx512_huffman(Kernels& table);
void add_avx512_conditioned(Kernels& table);
void add_avx512_planes(Kernels& table);
void add_neon_digest(Kernels& table);
void add_neon_checksum(Kernels& table);
void add_neon_huffman(Kernels& table);
void add_neon_planes(Kernels& table);

// The table in force; throws std::runtime_error where CAIRN_IMPLEMENTATION names one that this machine can't run or
// that isn't built. By name: null in that case.
const Kernels& kernels();
const Kernels* kernels_named(const char* name);

// Names of the tables this machine can run, best last; ends with null.
const char* const* kernel_names();

// Puts another table in force for this thread until it is undone with null: benchmarks only.
void force_kernels(const Kernels* table);

}  // namespace cairn
