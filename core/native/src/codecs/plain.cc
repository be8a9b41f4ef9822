#include "codecs/plain.h"

#include <cstring>

namespace cairn {

bool is_constant(const RawBlock& block) {
  const size_t width = width_of(block.element);
  // A block that equals itself shifted by one element has only one value.
  return block.length >= width && std::memcmp(block.raw, block.raw + width, block.length - width) == 0;
}

bool is_unchanged(const RawBlock& block) {
  return block.base != nullptr && std::memcmp(block.raw, block.base, block.length) == 0;
}

size_t encode_raw(const RawBlock& block, Scratch&, uint8_t* out, size_t capacity) {
  if (block.length > capacity) return does_not_fit;
  std::memcpy(out, block.raw, block.length);
  return block.length;
}

size_t encode_constant(const RawBlock& block, Scratch&, uint8_t* out, size_t capacity) {
  const size_t width = width_of(block.element);
  if (width > capacity || !is_constant(block)) return does_not_fit;
  std::memcpy(out, block.raw, width);
  return width;
}

size_t encode_unchanged(const RawBlock& block, Scratch&, uint8_t*, size_t) { return is_unchanged(block) ? 0 : does_not_fit; }

bool decode_raw(const StoredBlock& stored, Scratch&, const RawTarget& target) {
  if (stored.length != target.length) return false;
  std::memcpy(target.raw, stored.data, target.length);
  return true;
}

bool decode_constant(const StoredBlock& stored, Scratch&, const RawTarget& target) {
  const size_t width = width_of(target.element);
  if (stored.length != width || target.length < width) return false;
  if (width == 1) {
    std::memset(target.raw, stored.data[0], target.length);
    return true;
  }
  std::memcpy(target.raw, stored.data, width);
  // Doubles what is filled already.
  for (size_t filled = width; filled < target.length;) {
    const size_t more = filled < target.length - filled ? filled : target.length - filled;
    std::memcpy(target.raw + filled, target.raw, more);
    filled += more;
  }
  return true;
}

bool decode_unchanged(const StoredBlock& stored, Scratch&, const RawTarget& target) {
  if (stored.length != 0 || target.base == nullptr) return false;
  std::memcpy(target.raw, target.base, target.length);
  return true;
}

}  // namespace cairn
