#include "base/scratch.h"

#include <new>

#include "system/system.h"

// Under AddressSanitizer what isn't taken can't be touched, so that fuzzing sees who goes beyond their memory.
#if defined(__SANITIZE_ADDRESS__)
#define CAIRN_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAIRN_POISONS 1
#endif
#endif
#if defined(CAIRN_POISONS)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) ((void)(memory), (void)(size))
#endif

namespace cairn {

namespace {
constexpr size_t alignment = 64;
constexpr size_t smallest_segment = size_t{4} << 20;

size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }
}  // namespace

Scratch::~Scratch() {
  for (const Segment& segment : segments_) {
    ASAN_UNPOISON_MEMORY_REGION(segment.memory, segment.size);
    system::free_large(segment.memory);
  }
}

uint8_t* Scratch::take_bytes(size_t size) {
  const size_t needed = round_up(size + slack, alignment);
  if (needed < size) throw std::bad_alloc();
  while (segment_ < segments_.size() && segments_[segment_].size - used_ < needed) {
    ++segment_;
    used_ = 0;
  }
  if (segment_ == segments_.size()) {
    const size_t bytes = round_up(needed > smallest_segment ? needed : smallest_segment, system::large_page);
    void* memory = system::allocate_large(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    segments_.push_back({static_cast<uint8_t*>(memory), bytes});
    ASAN_POISON_MEMORY_REGION(memory, bytes);
    used_ = 0;
  }
  uint8_t* const taken = segments_[segment_].memory + used_;
  used_ += needed;
  ASAN_UNPOISON_MEMORY_REGION(taken, size + slack);
  return taken;
}

Scratch::Scope::~Scope() {
#if defined(CAIRN_POISONS)
  for (size_t i = segment_; i < scratch_.segments_.size() && i <= scratch_.segment_; ++i) {
    const size_t kept = i == segment_ ? used_ : 0;
    // What was never taken is poisoned as it is.
    const size_t taken = i == scratch_.segment_ ? scratch_.used_ : scratch_.segments_[i].size;
    ASAN_POISON_MEMORY_REGION(scratch_.segments_[i].memory + kept, taken - kept);
  }
#endif
  scratch_.segment_ = segment_;
  scratch_.used_ = used_;
}

Scratch& this_thread_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

}  // namespace cairn
