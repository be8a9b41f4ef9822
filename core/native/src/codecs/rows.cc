#include "codecs/rows.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/plane.h"
#include "codecs/predicted_planes.h"

namespace cairn {
namespace {

constexpr size_t head_bytes = 1 + 4 + 4 + 2;
constexpr unsigned step_log2 = 3;        // rows and columns are in steps of an eighth of an octave
constexpr unsigned fine_log2 = 4;        // means are taken in sixteenths of these steps
constexpr unsigned magnitude_shift = 16; // of a float32 pattern to such a sixteenth
constexpr unsigned base_shift = 22;      // of a base's pattern to a quarter of its own size in steps
constexpr int column_middle = 128;

uint32_t magnitude_at(const uint8_t* words, size_t i) {
  uint32_t word;
  std::memcpy(&word, words + i * 4, sizeof word);
  return word & 0x7fffffff;
}

// How the elements of a block lie in rows.
struct Grid {
  size_t count;
  uint32_t columns, first_column;

  size_t rows() const { return (first_column + count + columns - 1) / columns; }
  // The elements of row r in the block, and the column of the first of them.
  size_t begin(size_t r) const { return r == 0 ? 0 : r * columns - first_column; }
  size_t end(size_t r) const { return std::min(count, (r + 1) * columns - first_column); }
  size_t column_of(size_t r) const { return r == 0 ? first_column : 0; }
};

struct Levels {
  uint16_t mean;     // modulo 2^16
  uint8_t* rows;
  uint8_t* columns;
};

// The logarithm of an element's magnitude, less what its base says of it.
int32_t level_of(const uint8_t* raw, const uint8_t* base, size_t i) {
  const auto level = static_cast<int32_t>(magnitude_at(raw, i) >> magnitude_shift);
  return base == nullptr ? level : level - static_cast<int32_t>(magnitude_at(base, i) >> base_shift << fine_log2);
}

struct Mean {
  int64_t sum = 0;
  int64_t count = 0;

  int32_t value() const { return count == 0 ? 0 : static_cast<int32_t>(sum / count); }
};

int32_t to_steps(int32_t fine) { return (fine + (1 << (fine_log2 - 1))) >> fine_log2; }

uint8_t to_byte(int32_t value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

// Means of the rows, then of what they leave to the columns. Zeros, which have no logarithm, are left out.
Levels fit(const RawBlock& block, const uint8_t* base, const Grid& grid, Scratch& scratch) {
  const size_t rows = grid.rows();
  Levels levels{0, scratch.take<uint8_t>(rows), scratch.take<uint8_t>(grid.columns)};
  const Scratch::Scope scope(scratch);
  Mean* const by_column = scratch.take<Mean>(grid.columns);
  Mean* const by_row = scratch.take<Mean>(rows);
  std::fill(by_column, by_column + grid.columns, Mean{});
  int32_t greatest = INT32_MIN;
  for (size_t r = 0; r < rows; ++r) {
    Mean mean;
    for (size_t i = grid.begin(r); i < grid.end(r); ++i) {
      const bool counts = magnitude_at(block.raw, i) != 0;
      mean.sum += counts ? level_of(block.raw, base, i) : 0;
      mean.count += counts;
    }
    by_row[r] = mean;
    if (mean.count != 0) greatest = std::max(greatest, to_steps(mean.value()));
    Mean* column = by_column + grid.column_of(r);
    for (size_t i = grid.begin(r); i < grid.end(r); ++i, ++column) {
      const bool counts = magnitude_at(block.raw, i) != 0;
      column->sum += counts ? level_of(block.raw, base, i) - mean.value() : 0;
      column->count += counts;
    }
  }
  // Where all are zeros no row has a level, and the least means nothing.
  const int32_t least = (greatest == INT32_MIN ? 0 : greatest) - 255;
  for (size_t r = 0; r < rows; ++r) levels.rows[r] = by_row[r].count == 0 ? uint8_t{0} : to_byte(to_steps(by_row[r].value()) - least);
  for (size_t c = 0; c < grid.columns; ++c) levels.columns[c] = to_byte(to_steps(by_column[c].value()) + column_middle);
  levels.mean = static_cast<uint16_t>(least - column_middle);
  return levels;
}

void predict(const Levels& levels, const uint8_t* base, const Grid& grid, unsigned sub_bits, uint8_t* predicted) {
  const size_t rows = grid.rows();
  for (size_t r = 0; r < rows; ++r) {
    const uint32_t row = levels.mean + uint32_t{levels.rows[r]};
    const uint8_t* const columns = levels.columns + grid.column_of(r);
    const size_t start = grid.begin(r), here = grid.end(r) - start;
    for (size_t i = 0; i < here; ++i) {
      const uint32_t of_base = base == nullptr ? 0 : magnitude_at(base, start + i) >> base_shift;
      const uint32_t sum = (row + columns[i] + of_base) & 0xffff;
      predicted[start + i] = static_cast<uint8_t>(sum >> (step_log2 - sub_bits));
    }
  }
}

size_t encode(const RawBlock& block, const uint8_t* base, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!may_have_rows(block) || capacity < head_bytes) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const Grid grid{block.length / 4, block.columns, block.first_column};
  const unsigned sub_bits = sub_bits_for(grid.count);
  const Levels levels = fit(block, base, grid, scratch);
  out[0] = static_cast<uint8_t>(sub_bits);
  std::memcpy(out + 1, &grid.columns, 4);
  std::memcpy(out + 5, &grid.first_column, 4);
  std::memcpy(out + 9, &levels.mean, 2);
  size_t written = head_bytes;
  const size_t row_bytes = encode_plane(levels.rows, grid.rows(), 0, scratch, out + written, capacity - written);
  if (row_bytes == does_not_fit) return does_not_fit;
  written += row_bytes;
  const size_t column_bytes = encode_plane(levels.columns, grid.columns, 0, scratch, out + written, capacity - written);
  if (column_bytes == does_not_fit) return does_not_fit;
  written += column_bytes;
  uint8_t* const predicted = scratch.take<uint8_t>(grid.count);
  predict(levels, base, grid, sub_bits, predicted);
  const size_t size = write_predicted(block, predicted, sub_bits, scratch, out + written, capacity - written);
  return size == does_not_fit ? does_not_fit : written + size;
}

bool decode(const StoredBlock& stored, const uint8_t* base, Scratch& scratch, const RawTarget& target) {
  if (target.element != Element::float32 || target.length == 0 || stored.length < head_bytes) return false;
  const unsigned sub_bits = stored.data[0];
  Grid grid{target.length / 4, 0, 0};
  Levels levels{};
  std::memcpy(&grid.columns, stored.data + 1, 4);
  std::memcpy(&grid.first_column, stored.data + 5, 4);
  std::memcpy(&levels.mean, stored.data + 9, 2);
  if (sub_bits > finest_prediction || grid.columns == 0 || grid.columns > grid.count || grid.first_column >= grid.columns) return false;
  const Scratch::Scope scope(scratch);
  levels.rows = scratch.take<uint8_t>(grid.rows());
  levels.columns = scratch.take<uint8_t>(grid.columns);
  const uint8_t* const end = stored.data + stored.length;
  const uint8_t* from = decode_plane(stored.data + head_bytes, end, 0, scratch, levels.rows, grid.rows());
  if (from != nullptr) from = decode_plane(from, end, 0, scratch, levels.columns, grid.columns);
  if (from == nullptr) return false;
  uint8_t* const predicted = scratch.take<uint8_t>(grid.count);
  predict(levels, base, grid, sub_bits, predicted);
  return read_predicted(from, end, predicted, sub_bits, scratch, target);
}

}  // namespace

bool may_have_rows(const RawBlock& block) {
  constexpr size_t least_share = 8;  // elements for each row and column
  if (block.columns == 0 || block.element != Element::float32) return false;
  const Grid grid{block.length / 4, block.columns, block.first_column};
  return grid.rows() > 1 && (grid.rows() + grid.columns) * least_share <= grid.count;
}

size_t encode_rows(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) { return encode(block, nullptr, scratch, out, capacity); }

size_t encode_rows_base(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  return block.base == nullptr ? does_not_fit : encode(block, block.base, scratch, out, capacity);
}

bool decode_rows(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) { return decode(stored, nullptr, scratch, target); }

bool decode_rows_base(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  return target.base != nullptr && decode(stored, target.base, scratch, target);
}

}  // namespace cairn
