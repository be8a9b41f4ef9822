// Canonical Huffman codes over bytes, of at most 12 bits, and their tables as bytes. The bytes are specified in
// huffman.md. Streams of such codes: huffman.h.
#pragma once

#include "codecs/bit_stream.h"

namespace cairn {

constexpr unsigned max_code_bits = 12;
constexpr unsigned short_code_bits = 11;  // decoded with tables of their own

// A code for the symbols first..last. lengths[s] is 0 for symbols without a code. Where first == last the code is
// `lone`: its only symbol takes no bits and has length 0 too. Otherwise the code is complete (Kraft sum exactly 1).
struct PrefixCode {
  uint8_t first = 0;
  uint8_t last = 0;
  uint8_t lengths[256] = {};

  bool lone() const { return first == last; }
};

// The code of least total length among those with no code longer than `limit` bits, the same on every machine.
// Requires: at least one count is not zero; their sum is below 2^32; limit from 8 to 12.
// Method: Huffman's with two queues; where that gets too long, package-merge (Larmore and Hirschberg, 1990).
PrefixCode build_prefix_code(const uint32_t counts[256], unsigned limit = max_code_bits);

// Bits that symbols with these counts take. Requires: every counted symbol has a code.
uint64_t coded_bits(const PrefixCode& code, const uint32_t counts[256]);

unsigned longest_code(const PrefixCode& code);

// Bits of each code as they are written, least significant first (that is, canonical codes reversed); 0 where there is none.
void assign_codes(const PrefixCode& code, uint16_t bits[256]);

// Appends the table to a bit stream: 16 bits, then at most 6 a symbol of its span.
void write_prefix_code(const PrefixCode& code, BitWriter& out);
constexpr size_t longest_prefix_code = 2 + 256 * 6 / 8;  // bytes

// Reads such a table. False for anything that is not one: cut short, lengths above 12, first or last without a code,
// or a code that is not complete (such tables would leave entries of a decode table undefined).
bool read_prefix_code(BitReader& in, PrefixCode& code);

// Table to decode one symbol at a time: entry i belongs to the code that `index_bits` bits with value i start with and is
// length | symbol << 8. Requires: index_bits from longest_code(code) to 12; the table has 2^index_bits entries.
void fill_symbol_table(const PrefixCode& code, unsigned index_bits, uint16_t* table);

}  // namespace cairn
