#include "source.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "codecs/registry.h"
#include "simd/kernels.h"

namespace cairn {

namespace {

Failure block_failure(Code code, const StoredBlocks& blocks, size_t index, const std::string& what) {
  return {code, blocks.path + ": block at byte " + std::to_string(blocks.offsets[index]) + " " + what, blocks.path};
}

const Codec& codec_of_id(const StoredBlocks& blocks, size_t index, uint8_t id) {
  const Codec* const codec = find_codec(id);
  if (codec == nullptr) {
    throw block_failure(Code::unsupported, blocks, index,
                        "has codec " + std::to_string(id) + ", which this version doesn't know; update Cairn");
  }
  if (codec->decode == nullptr) {
    throw block_failure(Code::unsupported, blocks, index, std::string("has codec ") + codec->name + ", which tensor blobs don't use; verify the store");
  }
  return *codec;
}

const Codec& peek_codec(const StoredBlocks& blocks, size_t index, OpenFiles& files) {
  uint8_t id;
  files.open(blocks.path).read(&id, 1, blocks.offsets[index], Code::damaged);
  return codec_of_id(blocks, index, id);
}

Failure missing_need(const StoredBlocks& blocks, size_t index, Role role) {
  return block_failure(Code::damaged, blocks, index,
                       std::string("needs a ") + (role == Role::base ? "base" : role == Role::master ? "master" : "second moment") + " that its table doesn't name; verify the store");
}

void decode_one(const StoredBlocks& blocks, size_t index, OpenFiles& files, Scratch& scratch, const uint8_t* needed, uint8_t* raw) {
  const Scratch::Scope scope(scratch);
  const size_t length = blocks.lengths[index];
  uint8_t* const stored = scratch.take<uint8_t>(length);
  files.open(blocks.path).read(stored, length, blocks.offsets[index], Code::damaged);
  if (~kernels().checksum(0xffffffff, stored, length) != blocks.checksums[index]) {
    throw block_failure(Code::damaged, blocks, index, "fails its checksum; verify the store");
  }
  const Codec& codec = codec_of_id(blocks, index, stored[0]);
  if (codec.role != Role::none && needed == nullptr) throw missing_need(blocks, index, codec.role);
  const bool is_base = codec.role == Role::base;
  const RawTarget target{raw, is_base ? needed : nullptr, blocks.blocking.length_of(index), blocks.blocking.element,
                         codec.role == Role::none || is_base ? nullptr : needed};
  if (!codec.decode({stored + 1, length - 1}, scratch, target)) {
    throw block_failure(Code::damaged, blocks, index, std::string("is no block of codec ") + codec.name + "; verify the store");
  }
}

// The blobs from the one asked for down to the one whose block stands alone. No codec needs more than one other content,
// so that even with companions it is a chain and no tree.
struct Chain {
  std::array<const StoredBlocks*, limits::deepest_chain + 1> links;
  size_t count = 0;
  const RawSource* file = nullptr;  // where what the last link needs is read from a file instead
  Blocking file_blocking{};

  size_t longest(size_t index) const {
    size_t length = file == nullptr ? 0 : file_blocking.length_of(index);
    for (size_t link = 1; link < count; ++link) length = std::max(length, links[link]->blocking.length_of(index));
    return length;
  }
};

Chain follow(const StoredBlocks& blocks, size_t index, OpenFiles& files) {
  Chain chain;
  for (const StoredBlocks* link = &blocks;;) {
    chain.links[chain.count++] = link;
    const Role role = peek_codec(*link, index, files).role;
    if (role == Role::none) return chain;
    const RawSource* const needed = find_need(link->needs, role);
    if (needed == nullptr) throw missing_need(*link, index, role);
    if (needed->stored == nullptr) {
      chain.file = needed;
      chain.file_blocking = needed_blocking(link->blocking, role);
      return chain;
    }
    if (chain.count == chain.links.size()) {
      throw block_failure(Code::unsupported, *link, index, "has a chain of more than 64 deltas; verify the store");
    }
    link = needed->stored.get();
  }
}

}  // namespace

const RawSource* find_need(const std::vector<Need>& needs, Role role) {
  for (const Need& need : needs) {
    if (need.role == role) return &need.source;
  }
  return nullptr;
}

void read_stored_block(const StoredBlocks& blocks, size_t index, OpenFiles& files, uint8_t* raw) {
  const Chain chain = follow(blocks, index, files);
  Scratch& scratch = this_thread_scratch();
  const Scratch::Scope scope(scratch);
  const size_t length = chain.longest(index);
  // Links take turns with two buffers: one holds what is needed, the other receives what is decoded against it.
  uint8_t* buffers[2] = {};
  const size_t needed = chain.count - 1 + (chain.file != nullptr ? 1 : 0);
  for (size_t i = 0; i < 2 && i < needed; ++i) buffers[i] = scratch.take<uint8_t>(length);
  const uint8_t* needed_bytes = nullptr;
  size_t turn = 0;
  if (chain.file != nullptr) {
    read_block(*chain.file, chain.file_blocking, index, files, buffers[0]);
    needed_bytes = buffers[0];
    turn = 1;
  }
  for (size_t link = chain.count; link-- != 0; turn ^= 1) {
    uint8_t* const target = link == 0 ? raw : buffers[turn];
    decode_one(*chain.links[link], index, files, scratch, needed_bytes, target);
    needed_bytes = target;
  }
}

void read_block(const RawSource& source, const Blocking& blocking, size_t index, OpenFiles& files, uint8_t* raw) {
  if (source.stored != nullptr) return read_stored_block(*source.stored, index, files, raw);
  const uint64_t offset = source.file.offset + blocking.start_of(index);
  files.open(source.file.path).read(raw, blocking.length_of(index), offset, Code::changed);
}

}  // namespace cairn
