// BLAKE3 digests (paper: see simd/blake3_constants.h) of contents that are read in pieces. A content is a binary tree
// over chunks of 1024 bytes; a piece of 2^k chunks that starts at a multiple of 2^k is a subtree of it, and so is the
// last piece, whatever its length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn {

constexpr size_t digest_bytes = 32;
constexpr size_t digest_chunk_bytes = 1024;
using Digest = std::array<uint8_t, digest_bytes>;

// Takes the bytes of one piece in order.
class PieceDigest {
 public:
  // `first_chunk`: index of the piece's first chunk in its content.
  explicit PieceDigest(uint64_t first_chunk) : first_chunk_(first_chunk) {}

  void update(const uint8_t* data, size_t length);

  // The digest, where the piece is all of its content. Requires: first_chunk 0.
  Digest root();

  // The chaining value of the piece's subtree, where its content has more. Requires: at least one byte.
  Digest chaining_value();

 private:
  void push_chunks(const uint8_t* data, size_t chunks);
  void push_subtree(const uint8_t* value, uint64_t chunks);
  Digest finish(uint32_t last_flags);

  uint64_t first_chunk_;
  uint64_t chunks_ = 0;           // whole ones that `stack_` covers
  std::vector<Digest> stack_;     // chaining values of complete subtrees, largest first: one for each 1 bit of chunks_
  uint8_t pending_[digest_chunk_bytes];  // the last chunk is held back until it is known whether more follows
  size_t pending_length_ = 0;
};

// The digest of a content of `count` pieces from their chaining values (32 bytes each), at least two. All pieces but
// the last have the same power of two of chunks.
Digest join_digests(const uint8_t* values, size_t count);

}  // namespace cairn
