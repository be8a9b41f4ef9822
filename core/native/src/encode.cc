#include "encode.h"

#include "base/scratch.h"
#include "codecs/registry.h"
#include "simd/kernels.h"
#include "source.h"

namespace cairn {

namespace {

class ItemEncoder {
 public:
  ItemEncoder(const EncodeItem& item, OpenFiles& files, SlotMemory& slot)
      : item_(item), base_(find_need(item.needs, Role::base)), files_(files), slot_(slot), digest_(item.first_chunk) {
    for (const Need& need : item.needs) {
      if (need.role != Role::base) companion_ = &need;
    }
    result_.slot_offset = slot.used;
    result_.used.resize(item.needs.size());
    result_.codecs.resize(codec_count);
  }

  EncodedItem encode(const CancelFlag& cancel) {
    Scratch& scratch = this_thread_scratch();
    const Scratch::Scope scope(scratch);
    const size_t largest = item_.blocking.count() == 0 ? 0 : item_.blocking.length_of(0);
    uint8_t* const raw = scratch.take<uint8_t>(largest);
    uint8_t* const base = base_ == nullptr ? nullptr : scratch.take<uint8_t>(largest);
    uint8_t* const companion = take_companion(largest == 0 ? 0 : companion_blocking().length_of(0), scratch);
    files_.open(item_.source.path).expect_reads(item_.source.offset, item_.source.length);
    for (size_t index = 0; index < item_.blocking.count(); ++index) {
      cancel.check();
      encode_block(index, raw, base, companion, scratch);
    }
    result_.stored_length = slot_.used - result_.slot_offset;
    result_.digest = item_.whole ? digest_.root() : digest_.chaining_value();
    return std::move(result_);
  }

 private:
  Blocking companion_blocking() const { return needed_blocking(item_.blocking, companion_ == nullptr ? Role::base : companion_->role); }

  uint32_t first_column_of(size_t index) const {
    if (item_.columns == 0) return 0;
    return static_cast<uint32_t>((item_.first_column + (uint64_t{index} << item_.blocking.block_log2)) % item_.columns);
  }

  uint8_t* take_companion(size_t length, Scratch& scratch) const { return companion_ == nullptr ? nullptr : scratch.take<uint8_t>(length); }

  void encode_block(size_t index, uint8_t* raw, uint8_t* base, uint8_t* companion, Scratch& scratch) {
    const size_t length = item_.blocking.length_of(index);
    files_.open(item_.source.path).read(raw, length, item_.source.offset + item_.blocking.start_of(index), Code::changed);
    digest_.update(raw, length);
    if (base_ != nullptr) read_block(*base_, item_.blocking, index, files_, base);
    if (companion_ != nullptr) read_block(companion_->source, companion_blocking(), index, files_, companion);
    const Role companion_role = companion_ == nullptr ? Role::none : companion_->role;
    uint8_t* const out = slot_.memory() + slot_.used;
    const RawBlock block{raw, base, length, item_.blocking.element, companion, companion_role, item_.columns, first_column_of(index)};
    const size_t stored = encode_chosen(item_.method, block, scratch, out);
    result_.lengths.push_back(static_cast<uint32_t>(stored));
    result_.checksums.push_back(~kernels().checksum(0xffffffff, out, stored));
    ++result_.codecs[out[0]];
    mark_used(find_codec(out[0])->role);
    slot_.used += stored;
  }

  void mark_used(Role role) {
    for (size_t i = 0; i < item_.needs.size(); ++i) {
      if (item_.needs[i].role == role) result_.used[i] = true;
    }
  }

  const EncodeItem& item_;
  const RawSource* const base_;
  const Need* companion_ = nullptr;
  OpenFiles& files_;
  SlotMemory& slot_;
  PieceDigest digest_;
  EncodedItem result_{};
};

}  // namespace

std::vector<EncodedItem> encode_items(const std::vector<EncodeItem>& items, const CancelFlag& cancel, SlotMemory& slot) {
  OpenFiles files(File::Mode::read);
  std::vector<EncodedItem> results;
  results.reserve(items.size());
  for (const EncodeItem& item : items) {
    cancel.check();
    results.push_back(ItemEncoder(item, files, slot).encode(cancel));
  }
  return results;
}

uint64_t slot_bytes(const std::vector<EncodeItem>& items) {
  uint64_t bytes = 0;
  for (const EncodeItem& item : items) bytes += item.blocking.raw_length + item.blocking.count();
  return bytes;
}

}  // namespace cairn
