#include "codecs/moment.h"

#include <cstring>

#include "base/scratch.h"
#include "codecs/predicted_planes.h"

namespace cairn {
namespace {

// A gradient's mean is about as large as the root of its square's mean: half the logarithm, in steps of 2^-sub_bits.
void predict(const uint8_t* second_moment, size_t count, unsigned sub_bits, uint8_t* predicted) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    std::memcpy(&word, second_moment + i * 4, sizeof word);
    predicted[i] = static_cast<uint8_t>((word & 0x7fffffff) >> (24 - sub_bits));
  }
}

}  // namespace

bool may_be_moment(const RawBlock& block) {
  return block.companion_role == Role::second_moment && block.element == Element::float32 && block.length != 0;
}

size_t encode_moment(const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  if (!may_be_moment(block) || capacity < 1) return does_not_fit;
  const Scratch::Scope scope(scratch);
  const size_t count = block.length / 4;
  const unsigned sub_bits = sub_bits_for(count);
  uint8_t* const predicted = scratch.take<uint8_t>(count);
  predict(block.companion, count, sub_bits, predicted);
  out[0] = static_cast<uint8_t>(sub_bits);
  const size_t size = write_predicted(block, predicted, sub_bits, scratch, out + 1, capacity - 1);
  return size == does_not_fit ? does_not_fit : 1 + size;
}

bool decode_moment(const StoredBlock& stored, Scratch& scratch, const RawTarget& target) {
  if (target.companion == nullptr || target.element != Element::float32 || target.length == 0) return false;
  if (stored.length == 0 || stored.data[0] > finest_prediction) return false;
  const Scratch::Scope scope(scratch);
  const size_t count = target.length / 4;
  uint8_t* const predicted = scratch.take<uint8_t>(count);
  predict(target.companion, count, stored.data[0], predicted);
  return read_predicted(stored.data + 1, stored.data + stored.length, predicted, stored.data[0], scratch, target);
}

}  // namespace cairn
