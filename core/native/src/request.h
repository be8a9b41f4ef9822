// What JavaScript asks for, as plain structs: the records of core/codec/binding.ts, validated (binding.cc). Work starts
// only when a whole request has become these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file.h"
#include "codecs/choose.h"
#include "codecs/codec.h"

namespace cairn {

// How a piece divides into blocks.
struct Blocking {
  Element element;
  unsigned block_log2;
  uint64_t raw_length;  // bytes; a multiple of the element's width

  uint64_t block_bytes() const { return uint64_t{width_of(element)} << block_log2; }
  size_t count() const { return static_cast<size_t>((raw_length + block_bytes() - 1) / block_bytes()); }
  uint64_t start_of(size_t block) const { return block * block_bytes(); }
  size_t length_of(size_t block) const {
    const uint64_t rest = raw_length - start_of(block);
    return static_cast<size_t>(rest < block_bytes() ? rest : block_bytes());
  }
};

struct StoredBlocks;

// A file that still holds the bytes, or blocks of a pack.
struct RawSource {
  FileRange file;                        // where `stored` is null
  std::unique_ptr<StoredBlocks> stored;
};

struct Need {
  Role role;
  RawSource source;
};

// How what stands in a role divides: as what needs it, or into as many elements of float32.
inline Blocking needed_blocking(const Blocking& blocking, Role role) {
  if (role == Role::base) return blocking;
  const size_t width = width_of(Element::float32);
  return {Element::float32, blocking.block_log2, blocking.raw_length / width_of(blocking.element) * width};
}

struct StoredBlocks {
  std::string path;
  Blocking blocking;
  std::vector<uint64_t> offsets;     // in the file; one a block
  std::vector<uint32_t> lengths;     // codec id included
  std::vector<uint32_t> checksums;
  std::vector<Need> needs;
};

// Non-zero memory that another thread sets to end the call.
class CancelFlag {
 public:
  explicit CancelFlag(const int32_t* flag) : flag_(flag) {}
  void check() const {
    if (__atomic_load_n(flag_, __ATOMIC_RELAXED) != 0) throw Failure(Code::cancelled, "cancelled");
  }

 private:
  const int32_t* flag_;
};

struct EncodeItem {
  FileRange source;
  Blocking blocking;
  Method method;
  std::vector<Need> needs;
  uint64_t first_chunk;
  bool whole;
  uint32_t columns;       // elements a row of its tensor; 0 where unknown
  uint32_t first_column;  // of its first element
};

struct DecodeItem {
  StoredBlocks blocks;
  uint64_t first_chunk;
  bool whole;
  std::vector<FileRange> target;  // empty: only the digest is wanted
};

}  // namespace cairn
