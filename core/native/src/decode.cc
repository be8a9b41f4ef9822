#include "decode.h"

#include "base/scratch.h"
#include "source.h"

namespace cairn {

namespace {

void expect_reads(const StoredBlocks& blocks, OpenFiles& packs) {
  if (blocks.offsets.empty()) return;
  const uint64_t first = blocks.offsets.front(), end = blocks.offsets.back() + blocks.lengths.back();
  packs.open(blocks.path).expect_reads(first, end - first);
}

// Writes bytes to consecutive ranges of files, in order.
class RangeWriter {
 public:
  RangeWriter(const std::vector<FileRange>& ranges, OpenFiles& files) : ranges_(ranges), files_(files) {}

  void write(const uint8_t* from, size_t length) {
    while (length != 0 && range_ < ranges_.size()) {
      const FileRange& range = ranges_[range_];
      const uint64_t room = range.length - done_;
      const size_t here = length < room ? length : static_cast<size_t>(room);
      const File& file = files_.open(range.path);
      file.write(from, here, range.offset + done_);
      file.begin_writeback(range.offset + done_, here);
      from += here;
      length -= here;
      done_ += here;
      if (done_ == range.length) {
        ++range_;
        done_ = 0;
      }
    }
  }

 private:
  const std::vector<FileRange>& ranges_;
  OpenFiles& files_;
  size_t range_ = 0;
  uint64_t done_ = 0;  // bytes of that range
};

Digest finish(PieceDigest& digest, bool whole) { return whole ? digest.root() : digest.chaining_value(); }

}  // namespace

std::vector<Digest> decode_items(const std::vector<DecodeItem>& items, const CancelFlag& cancel) {
  OpenFiles packs(File::Mode::read);
  OpenFiles targets(File::Mode::write);
  Scratch& scratch = this_thread_scratch();
  std::vector<Digest> digests;
  digests.reserve(items.size());
  for (const DecodeItem& item : items) {
    const Scratch::Scope scope(scratch);
    const Blocking& blocking = item.blocks.blocking;
    uint8_t* const raw = scratch.take<uint8_t>(blocking.count() == 0 ? 0 : blocking.length_of(0));
    PieceDigest digest(item.first_chunk);
    expect_reads(item.blocks, packs);
    RangeWriter writer(item.target, targets);
    for (size_t index = 0; index < blocking.count(); ++index) {
      cancel.check();
      read_stored_block(item.blocks, index, packs, raw);
      digest.update(raw, blocking.length_of(index));
      writer.write(raw, blocking.length_of(index));
    }
    digests.push_back(finish(digest, item.whole));
  }
  return digests;
}

Digest digest_ranges(const std::vector<FileRange>& ranges, uint64_t first_chunk, bool whole, const CancelFlag& cancel) {
  constexpr size_t step = size_t{1} << 20;
  OpenFiles files(File::Mode::read);
  Scratch& scratch = this_thread_scratch();
  const Scratch::Scope scope(scratch);
  uint8_t* const bytes = scratch.take<uint8_t>(step);
  PieceDigest digest(first_chunk);
  for (const FileRange& range : ranges) {
    for (uint64_t done = 0; done < range.length;) {
      cancel.check();
      const size_t here = range.length - done < step ? static_cast<size_t>(range.length - done) : step;
      files.open(range.path).read(bytes, here, range.offset + done, Code::changed);
      digest.update(bytes, here);
      done += here;
    }
  }
  return finish(digest, whole);
}

}  // namespace cairn
