#include "base/scratch.h"

#include <cstdlib>
#include <new>

namespace cairn {

namespace {
constexpr size_t alignment = 64;
constexpr size_t smallest_segment = size_t{4} << 20;

size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }
}  // namespace

Scratch::~Scratch() {
  for (const Segment& segment : segments_) std::free(segment.memory);
}

uint8_t* Scratch::take_bytes(size_t size) {
  const size_t needed = round_up(size + slack, alignment);
  if (needed < size) throw std::bad_alloc();
  while (segment_ < segments_.size() && segments_[segment_].size - used_ < needed) {
    ++segment_;
    used_ = 0;
  }
  if (segment_ == segments_.size()) {
    const size_t bytes = round_up(needed > smallest_segment ? needed : smallest_segment, 4096);
    void* memory = std::aligned_alloc(4096, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    segments_.push_back({static_cast<uint8_t*>(memory), bytes});
    used_ = 0;
  }
  uint8_t* const taken = segments_[segment_].memory + used_;
  used_ += needed;
  return taken;
}

Scratch& this_thread_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

}  // namespace cairn
