#include "bench.h"

#include <algorithm>
#include <cstring>

#include "base/scratch.h"
#include "codecs/registry.h"
#include "system/system.h"

namespace cairn {

namespace {

class ForcedKernels {
 public:
  explicit ForcedKernels(const Kernels* table) { force_kernels(table); }
  ~ForcedKernels() { force_kernels(nullptr); }
};

template <class Work>
double seconds_of(const Work& work) {
  // Of the thread, so that what else runs on the machine counts as little as may be.
  const double start = system::thread_seconds();
  work();
  return system::thread_seconds() - start;
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

uint8_t* take_touched(size_t size, Scratch& memory) {
  uint8_t* const bytes = memory.take<uint8_t>(size);
  std::memset(bytes, 1, size);
  return bytes;
}

uint8_t* read_range(const FileRange& range, Scratch& memory) {
  uint8_t* const bytes = take_touched(range.length, memory);
  File(range.path, File::Mode::read).read(bytes, range.length, range.offset, Code::changed);
  return bytes;
}

// Everything in memory that is touched before the first round, of the kind that workers have.
class Bench {
 public:
  explicit Bench(const BenchItem& item)
      : item_(item),
        raw_(read_range(item.source, memory_)),
        base_(item.has_base ? read_range(item.base, memory_) : nullptr),
        decoded_(take_touched(item.source.length, memory_)),
        copied_(take_touched(item.source.length, memory_)),
        stored_(take_touched(item.source.length + item.blocking.count(), memory_)),
        lengths_(item.blocking.count()) {}

  BenchTimes run() {
    std::vector<double> encode, decode, copy, digest;
    for (uint32_t round = 0; round < item_.rounds; ++round) {
      encode.push_back(seconds_of([&] { encode_all(); }));
      copy.push_back(seconds_of([&] { std::memcpy(copied_, raw_, item_.source.length); }));
      decode.push_back(seconds_of([&] { decode_all(); }));
      digest.push_back(seconds_of([&] { digest_all(); }));
    }
    if (std::memcmp(decoded_, raw_, item_.source.length) != 0) {
      throw Failure(Code::internal, item_.source.path + ": does not decode to what it was; please report it", item_.source.path);
    }
    return {stored_length_, median(encode), median(decode), median(copy), median(digest)};
  }

 private:
  const uint8_t* base_at(size_t index) const { return item_.has_base ? base_ + item_.blocking.start_of(index) : nullptr; }

  void encode_all() {
    Scratch& scratch = this_thread_scratch();
    stored_length_ = 0;
    for (size_t index = 0; index < lengths_.size(); ++index) {
      const RawBlock block{raw_ + item_.blocking.start_of(index), base_at(index), item_.blocking.length_of(index), item_.blocking.element};
      lengths_[index] = encode_chosen(item_.method, block, scratch, stored_ + stored_length_);
      stored_length_ += lengths_[index];
    }
  }

  void decode_all() {
    Scratch& scratch = this_thread_scratch();
    const uint8_t* stored = stored_;
    for (size_t index = 0; index < lengths_.size(); ++index) {
      const Scratch::Scope scope(scratch);
      const RawTarget target{decoded_ + item_.blocking.start_of(index), base_at(index), item_.blocking.length_of(index), item_.blocking.element};
      if (!find_codec(stored[0])->decode({stored + 1, lengths_[index] - 1}, scratch, target)) {
        throw Failure(Code::internal, item_.source.path + ": does not decode; please report it", item_.source.path);
      }
      stored += lengths_[index];
    }
  }

  void digest_all() {
    PieceDigest digest(0);
    digest.update(raw_, item_.source.length);
    digest.root();
  }

  const BenchItem& item_;
  Scratch memory_;
  uint8_t* const raw_;
  uint8_t* const base_;
  uint8_t* const decoded_;
  uint8_t* const copied_;
  uint8_t* const stored_;
  std::vector<size_t> lengths_;
  uint64_t stored_length_ = 0;
};

}  // namespace

BenchTimes run_bench(const BenchItem& item) {
  const ForcedKernels forced(item.implementation);
  return Bench(item).run();
}

}  // namespace cairn
