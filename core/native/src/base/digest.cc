#include "base/digest.h"

#include <cstring>

#include "simd/blake3_constants.h"
#include "simd/kernels.h"

namespace cairn {

namespace {

// Chunks hashed at a time: their chaining values fit on the stack, and halve in place up to one subtree.
constexpr size_t most_chunks = 64;

Digest hash_block(const uint8_t block[64], uint32_t length, const uint32_t start[8], uint64_t counter, uint32_t flags) {
  uint32_t value[8];
  std::memcpy(value, start, sizeof value);
  blake3::compress(value, block, length, counter, flags);
  Digest digest;
  std::memcpy(digest.data(), value, sizeof value);
  return digest;
}

Digest hash_parent(const Digest& left, const Digest& right, uint32_t flags) {
  uint8_t block[64];
  std::memcpy(block, left.data(), digest_bytes);
  std::memcpy(block + digest_bytes, right.data(), digest_bytes);
  return hash_block(block, sizeof block, blake3::initial, 0, blake3::parent | flags);
}

// A chunk of any length, the empty one included; `flags` go to its last block.
Digest hash_last_chunk(const uint8_t* data, size_t length, uint64_t counter, uint32_t flags) {
  Digest value;
  std::memcpy(value.data(), blake3::initial, digest_bytes);
  size_t at = 0;
  do {
    uint8_t block[64] = {};
    const size_t here = length - at < 64 ? length - at : 64;
    std::memcpy(block, data + at, here);
    uint32_t start[8];
    std::memcpy(start, value.data(), sizeof start);
    const bool last = at + here == length;
    const uint32_t block_flags = (at == 0 ? blake3::chunk_start : 0) | (last ? blake3::chunk_end | flags : 0);
    value = hash_block(block, static_cast<uint32_t>(here), start, counter, block_flags);
    at += here;
  } while (at < length);
  return value;
}

size_t largest_power_of_two(size_t atMost) {
  size_t power = 1;
  while (power * 2 <= atMost) power *= 2;
  return power;
}

Digest join_subtree(const uint8_t* values, size_t count, uint32_t flags) {
  if (count == 1) {
    Digest value;
    std::memcpy(value.data(), values, digest_bytes);
    return value;
  }
  const size_t left = largest_power_of_two(count - 1);
  return hash_parent(join_subtree(values, left, 0), join_subtree(values + left * digest_bytes, count - left, 0), flags);
}

}  // namespace

void PieceDigest::push_subtree(const uint8_t* value, uint64_t chunks) {
  Digest merged;
  std::memcpy(merged.data(), value, digest_bytes);
  // Each complete pair of equal subtrees becomes their parent: as many times as the count has trailing ones.
  for (uint64_t size = chunks; chunks_ & size; size *= 2) {
    merged = hash_parent(stack_.back(), merged, 0);
    stack_.pop_back();
    chunks_ -= size;
    chunks += size;
  }
  stack_.push_back(merged);
  chunks_ += chunks;
}

void PieceDigest::push_chunks(const uint8_t* data, size_t chunks) {
  const Kernels& table = kernels();
  while (chunks != 0) {
    // A power of two that the position is a multiple of: a subtree of its own.
    size_t here = largest_power_of_two(chunks < most_chunks ? chunks : most_chunks);
    while (chunks_ % here != 0) here /= 2;
    uint8_t values[most_chunks * digest_bytes];
    table.hash_chunks(data, here, first_chunk_ + chunks_, values);
    for (size_t count = here; count > 1; count /= 2) table.hash_parents(values, count / 2, values);
    push_subtree(values, here);
    data += here * digest_chunk_bytes;
    chunks -= here;
  }
}

void PieceDigest::update(const uint8_t* data, size_t length) {
  if (length == 0) return;
  if (pending_length_ != 0) {
    const size_t room = digest_chunk_bytes - pending_length_;
    const size_t here = length < room ? length : room;
    std::memcpy(pending_ + pending_length_, data, here);
    pending_length_ += here;
    data += here;
    length -= here;
    if (length == 0) return;
    push_chunks(pending_, 1);
    pending_length_ = 0;
  }
  const size_t whole = (length - 1) / digest_chunk_bytes;  // at least one byte stays pending
  push_chunks(data, whole);
  pending_length_ = length - whole * digest_chunk_bytes;
  std::memcpy(pending_, data + whole * digest_chunk_bytes, pending_length_);
}

Digest PieceDigest::finish(uint32_t last_flags) {
  size_t left = stack_.size();
  Digest value = hash_last_chunk(pending_, pending_length_, first_chunk_ + chunks_, left == 0 ? last_flags : 0);
  while (left != 0) {
    --left;
    value = hash_parent(stack_[left], value, left == 0 ? last_flags : 0);
  }
  return value;
}

Digest PieceDigest::root() { return finish(blake3::root); }

Digest PieceDigest::chaining_value() { return finish(0); }

Digest join_digests(const uint8_t* values, size_t count) { return join_subtree(values, count, blake3::root); }

}  // namespace cairn
