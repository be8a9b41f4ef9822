// Bits in bytes, least significant first: the first bit written is bit 0 of the first byte. And LEB128 numbers.
// Everything here is always inlined, so that files compiled for different instruction sets share no copy of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#define CAIRN_INLINE [[gnu::always_inline]] inline

namespace cairn {

// Hosts are little-endian (x86-64, arm64), as the format is.
CAIRN_INLINE uint64_t load_u64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

CAIRN_INLINE void store_u64(uint8_t* to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

// Writes bits to memory that has 8 bytes more than the bits need.
class BitWriter {
 public:
  BitWriter() = default;
  CAIRN_INLINE explicit BitWriter(uint8_t* out) : at_(out) {}

  // Appends the low `count` bits of `value`. Requires: count at most 56, no bit of value above them set.
  CAIRN_INLINE void put(uint64_t value, unsigned count) {
    bits_ |= value << held_;
    held_ += count;
    store_u64(at_, bits_);
    at_ += held_ >> 3;
    bits_ >>= held_ & 56;
    held_ &= 7;
  }

  // Pads with zero bits to a whole byte and returns the end of what was written.
  CAIRN_INLINE uint8_t* finish() {
    if (held_ != 0) *at_++ = static_cast<uint8_t>(bits_);
    bits_ = 0;
    held_ = 0;
    return at_;
  }

 private:
  uint8_t* at_ = nullptr;
  uint64_t bits_ = 0;
  unsigned held_ = 0;  // bits in bits_, fewer than 8 between calls
};

// Reads bits of [from, end) and nothing outside. Past the end it reads zero bits and remembers: see `overrun`.
class BitReader {
 public:
  CAIRN_INLINE BitReader(const uint8_t* from, const uint8_t* end) : at_(from), end_(end) {}

  // Starts inside the first byte. Requires: skipped below 8; at least one byte where it is not 0.
  CAIRN_INLINE BitReader(const uint8_t* from, const uint8_t* end, unsigned skipped) : at_(from), end_(end) {
    refill();
    consume(skipped);
  }

  // Makes at least 56 bits available to `peek` (fewer real ones near the end, the rest are zeros).
  CAIRN_INLINE void refill() {
    if (end_ - at_ >= 8) {
      bits_ |= load_u64(at_) << held_;
      at_ += (63 - held_) >> 3;
      held_ |= 56;
      return;
    }
    while (held_ <= 56 && at_ < end_) {
      bits_ = (bits_ & ((uint64_t{1} << held_) - 1)) | uint64_t{*at_++} << held_;
      held_ += 8;
    }
  }

  // The next `count` bits, at most 56, after a refill.
  CAIRN_INLINE uint64_t peek(unsigned count) const { return bits_ & ((uint64_t{1} << count) - 1); }

  // Requires: at most 56 bits between two refills, count at most 56.
  CAIRN_INLINE void consume(unsigned count) {
    if (count > held_) {
      overrun_ = true;
      bits_ = 0;
      held_ = 0;
      return;
    }
    bits_ >>= count;
    held_ -= count;
  }

  // refill, peek and consume in one, for where speed does not matter.
  CAIRN_INLINE uint64_t take(unsigned count) {
    refill();
    const uint64_t value = peek(count);
    consume(count);
    return value;
  }

  // True once more bits were consumed than there were.
  CAIRN_INLINE bool overrun() const { return overrun_; }

  // True where everything was consumed, exactly: what is left is fewer than 8 bits, all of them zero.
  CAIRN_INLINE bool finished() const {
    return !overrun_ && at_ == end_ && held_ < 8 && (bits_ & ((uint64_t{1} << held_) - 1)) == 0;
  }

  // The first byte of which no bit was consumed: where what follows a padded bit sequence starts. The bits between
  // must be zero: `padded` says whether they are.
  CAIRN_INLINE const uint8_t* next_byte() const { return at_ - (held_ >> 3); }
  CAIRN_INLINE bool padded() const { return !overrun_ && peek(held_ & 7) == 0; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  uint64_t bits_ = 0;  // bits above held_ are either zero or the stream's own next ones
  unsigned held_ = 0;
  bool overrun_ = false;
};

// LEB128: seven bits a byte, low ones first, the top bit set on all but the last. At most 5 bytes for a u32.
constexpr size_t longest_varint = 5;

CAIRN_INLINE uint8_t* write_varint(uint8_t* out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<uint8_t>(value | 0x80);
  *out++ = static_cast<uint8_t>(value);
  return out;
}

// Returns the byte after the number, or null where it is not whole before `end` or exceeds 32 bits.
CAIRN_INLINE const uint8_t* read_varint(const uint8_t* from, const uint8_t* end, uint32_t& value) {
  uint64_t sum = 0;
  for (unsigned shift = 0; shift < 7 * longest_varint && from < end; shift += 7) {
    const uint8_t byte = *from++;
    sum |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) {
      value = static_cast<uint32_t>(sum);
      return sum >> 32 ? nullptr : from;
    }
  }
  return nullptr;
}

}  // namespace cairn
