// What both directions of conditioned-parts (conditioned_parts.md) know of a block.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/conditioned_head.h"
#include "codecs/part_streams.h"

namespace cairn {

constexpr size_t number_bytes = 3;  // of counts and lengths
constexpr size_t greatest_number = (size_t{1} << 24) - 1;
constexpr size_t tile = 4096;  // elements taken through all steps while they are in the nearest cache

inline void put_number(size_t number, uint8_t* out) { std::memcpy(out, &number, number_bytes); }

inline size_t get_number(const uint8_t* from) {
  size_t number = 0;
  std::memcpy(&number, from, number_bytes);
  return number;
}

constexpr size_t lists_apart = 64;  // bytes that kernels may write or read behind a list

// The symbols of each part. The list of no_part has no bytes of its own.
struct Lists {
  uint8_t* starts[most_parts + 1];
  size_t counts[most_parts + 1];

  // For parts of which any may have all elements.
  void allocate(unsigned parts, size_t elements, Scratch& scratch) {
    uint8_t* at = scratch.take<uint8_t>((parts + 1) * (elements + lists_apart));
    for (unsigned part = 0; part < most_parts; ++part) {
      starts[part] = at;
      at += part < parts ? elements + lists_apart : 0;
    }
    starts[no_part] = at;
  }

  // For these counts. Memory goes on behind the last list for as long as a list is that runs over its end.
  void allocate(size_t elements, Scratch& scratch) {
    uint8_t* at = scratch.take<uint8_t>(2 * elements + (most_parts + 1) * lists_apart);
    for (unsigned part = 0; part < most_parts; ++part) {
      starts[part] = at;
      at += counts[part] + lists_apart;
    }
    starts[no_part] = at;
  }

  template <class Byte>
  bool end_at(Byte* const ends[most_parts + 1]) const {
    for (unsigned part = 0; part <= most_parts; ++part) {
      if (ends[part] != starts[part] + counts[part]) return false;
    }
    return true;
  }
};

// What symbols mean, as kernels want it.
struct Symbols {
  SymbolMeaning meanings[256];
  SymbolBits bits_of[256];
  unsigned limit;  // symbols from this one on have no meaning

  explicit Symbols(const DifferenceShape& shape) : limit(256) {
    fill_meanings(shape, meanings);
    for (unsigned symbol = 0; symbol < 256; ++symbol) bits_of[symbol] = symbol_bits(meanings[symbol].least, meanings[symbol].low_bits);
    while (limit > 0 && meanings[limit - 1].refused) --limit;
  }
};

// The part of each key, and by how much its symbols are shifted up.
struct KeyMap {
  uint8_t parts[most_keys];
  uint8_t shifts[most_keys];
  bool shifted = false;

  explicit KeyMap(const KeyTables& tables) {
    std::fill(parts, parts + most_keys, no_part);
    std::fill(shifts, shifts + most_keys, uint8_t{0});
    for (unsigned i = 0; i < tables.count; ++i) {
      const KeyTable& table = tables.tables[i];
      for (unsigned key = table.first_key; key <= table.last_key; ++key) {
        parts[key] = static_cast<uint8_t>(i);
        shifts[key] = static_cast<uint8_t>(std::min(table.shift_of(key, tables.step), 255u));
      }
      shifted = shifted || (table.shifted && table.last_key != table.first_key);
    }
  }
};

inline unsigned last_key_of(const DifferenceShape& shape) { return (1u << (shape.width * 8 - 1 - shape.mantissa_bits)) - 1; }

constexpr unsigned most_chosen_parts = 10;  // tables that plans may have: more gain 0.05 %, and each costs time for every element

struct Outcome {
  bool possible;  // false where a key or a symbol that the sample missed has no place in the plan
  size_t length;
};

// Codes a block by a plan that is possible. Capacity and `length` as for an encoder.
Outcome encode_planned(Plan plan, const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity);

// Whether a block of `count` elements takes much more than a plan made from `counted` of them said: they lack keys or changes that the
// others have.
bool is_misled(const Plan& plan, size_t counted, size_t count, const Outcome& outcome);

}  // namespace cairn
