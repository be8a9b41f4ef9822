#include "base/slots.h"

#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/limits.h"
#include "codecs/codec.h"
#include "system/system.h"

namespace cairn {

namespace {

struct Range {
  uint8_t* memory;
  uint64_t mapped;
  uint64_t touched;  // bytes from the start that may be resident
};

struct Slots {
  std::mutex mutex;
  std::unordered_map<uint32_t, SlotMemory> kept;
  std::vector<Range> idle;
  uint64_t idle_bytes = 0;  // touched bytes of `idle`
  uint64_t mapped_bytes = 0;
  uint32_t last_number = 0;
};

// Never destroyed: threads may outlive static objects.
Slots& slots() {
  static Slots* const instance = new Slots;
  return *instance;
}

constexpr uint64_t mapping_unit = uint64_t{1} << 20;

// The smallest idle range that is large enough, preferring touched pages among equals; false where there is none.
bool take_idle(uint64_t needed, Range& range) {
  Slots& all = slots();
  size_t best = all.idle.size();
  for (size_t i = 0; i < all.idle.size(); ++i) {
    if (all.idle[i].mapped >= needed && (best == all.idle.size() || all.idle[i].mapped < all.idle[best].mapped)) best = i;
  }
  if (best == all.idle.size()) return false;
  range = all.idle[best];
  all.idle[best] = all.idle.back();
  all.idle.pop_back();
  all.idle_bytes -= range.touched;
  return true;
}

void unmap(const Range& range) {
  system::unmap_memory(range.memory, range.mapped);
  slots().mapped_bytes -= range.mapped;
}

}  // namespace

SlotMemory::SlotMemory(uint64_t capacity) : capacity_(capacity) {
  const uint64_t needed = (capacity + slack + mapping_unit - 1) / mapping_unit * mapping_unit;
  Slots& all = slots();
  const std::lock_guard<std::mutex> lock(all.mutex);
  Range range{};
  if (!take_idle(needed, range)) {
    while (all.mapped_bytes + needed > limits::most_slot_bytes && !all.idle.empty()) {
      all.idle_bytes -= all.idle.back().touched;
      unmap(all.idle.back());
      all.idle.pop_back();
    }
    if (all.mapped_bytes + needed > limits::most_slot_bytes) {
      throw Failure(Code::internal, "too many coded bytes wait to be written; release slots before asking for more");
    }
    void* const memory = system::map_memory(needed);
    if (memory == nullptr) throw std::bad_alloc();
    all.mapped_bytes += needed;
    range = {static_cast<uint8_t*>(memory), needed, 0};
  }
  memory_ = range.memory;
  mapped_ = range.mapped;
  touched_ = range.touched;
}

SlotMemory::~SlotMemory() {
  if (memory_ == nullptr) return;
  Slots& all = slots();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const Range range{memory_, mapped_, used > touched_ ? used : touched_};
  if (all.idle_bytes + range.touched > limits::most_idle_bytes || all.idle.size() >= limits::most_slots) {
    unmap(range);
    return;
  }
  try {
    all.idle.push_back(range);
    all.idle_bytes += range.touched;
  } catch (const std::bad_alloc&) {
    unmap(range);
  }
}

SlotMemory::SlotMemory(SlotMemory&& other) noexcept
    : used(std::exchange(other.used, 0)),
      memory_(std::exchange(other.memory_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      touched_(std::exchange(other.touched_, 0)) {}

SlotMemory& SlotMemory::operator=(SlotMemory&& other) noexcept {
  std::swap(used, other.used);
  std::swap(memory_, other.memory_);
  std::swap(capacity_, other.capacity_);
  std::swap(mapped_, other.mapped_);
  std::swap(touched_, other.touched_);
  return *this;
}

uint32_t keep_slot(SlotMemory memory) {
  Slots& all = slots();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (all.kept.size() >= limits::most_slots) throw Failure(Code::internal, "too many slots wait to be written; release some before asking for more");
  do {
    ++all.last_number;
  } while (all.last_number == 0 || all.kept.count(all.last_number) != 0);
  all.kept.emplace(all.last_number, std::move(memory));
  return all.last_number;
}

SlotMemory take_slot(uint32_t number) {
  Slots& all = slots();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.kept.find(number);
  if (found == all.kept.end()) {
    throw Failure(Code::bad_request, "slot: " + std::to_string(number) + " is not in use; it was written or released before");
  }
  SlotMemory memory = std::move(found->second);
  all.kept.erase(found);
  return memory;
}

size_t count_slots() {
  Slots& all = slots();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.kept.size();
}

}  // namespace cairn
