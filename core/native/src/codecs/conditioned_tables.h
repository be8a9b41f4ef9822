// The prefix codes of conditioned.md: one for each range of keys (exponents of the base), their choice and their bytes.
#pragma once

#include "codecs/codec.h"
#include "codecs/prefix_code.h"

namespace cairn {

constexpr unsigned most_tables = 16;
constexpr unsigned most_keys = 256;
constexpr unsigned longest_difference_code = 11;  // bits, so that sixteen tables of 2-byte entries stay in a small cache

// One code and the keys it serves: those above the last key of the table before, up to its own.
struct KeyTable {
  uint8_t first_key = 0;
  uint8_t last_key = 0;
  bool shifted = false;  // symbols of key k are coded as symbol + (k - first_key) * step
  PrefixCode code;

  // By how much the symbols of a key of this table are shifted up.
  unsigned shift_of(unsigned key, unsigned step) const { return shifted ? (key - first_key) * step : 0; }
};

struct KeyTables {
  unsigned count = 0;
  unsigned step = 0;  // symbols a class; 0 where tables can't be shifted
  KeyTable tables[most_tables];
};

// How often each symbol occurs with each key. Rows of keys that don't occur are not filled.
struct KeyCounts {
  uint32_t (*rows)[256];
  bool present[most_keys];
};

// Counts `count` pairs of key << 8 | symbol.
KeyCounts count_by_key(const uint16_t* pairs, size_t count, Scratch& scratch);

// What a code costs beside its symbols, in units of 2^-16 bit.
struct TablePrice {
  uint64_t table;
  uint64_t length;  // of one symbol's

  // For counts of `counted` of `count` elements. A code made for a sample fits it better than it fits the rest, by about 0.72 bits
  // a symbol (the bias of an entropy's estimate; Miller, 1955).
  TablePrice(size_t counted, size_t count);
};

// Bits of a code over these counts, at least one a symbol unless there is only one, and of its table.
uint64_t price_counts(const uint32_t counts[256], const TablePrice& price, unsigned symbols = 256);

// The ranges of keys that cost least with these counts: adjacent ones merged, two at a time, while that saves or there
// are more than `most`, itself at most most_tables. Fills everything but the codes. Requires: at least one key is present.
// `coarse[s]` is the symbol to count s as; `step` the distance of two classes among those.
void choose_ranges(const KeyCounts& counts, const uint8_t coarse[256], unsigned step, unsigned most, const TablePrice& price, Scratch& scratch, KeyTables& tables);

// Sums the rows of a table's keys, symbols made coarse and shifted as the table wants them. False where one would exceed 255.
bool sum_rows(const KeyCounts& counts, const uint8_t coarse[256], const KeyTable& table, unsigned step, uint32_t sums[256]);

// Appends the tables to a bit stream: less than longest_key_tables bytes.
void write_key_tables(const KeyTables& tables, unsigned key_bits, BitWriter& out);
constexpr size_t longest_key_tables = 16 + most_tables * (4 + 256 * 14 / 8);

// Reads such tables; `step` and `key_bits` are the reader's. False for anything that no encoder writes.
bool read_key_tables(BitReader& in, unsigned step, unsigned key_bits, KeyTables& tables);

}  // namespace cairn
