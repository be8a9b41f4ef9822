// Coded bytes that wait to be written, process-wide: the thread that codes fills a slot, any thread may take it. Memory
// comes from the system in large ranges of which only written pages become resident, and is kept for later slots.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// Memory of one slot. Moves; gives its memory back when it ends.
class SlotMemory {
 public:
  SlotMemory() = default;
  // `capacity` bytes and `slack` more. Throws Failure `internal` beyond limits.h, std::bad_alloc where there is none.
  explicit SlotMemory(uint64_t capacity);
  ~SlotMemory();
  SlotMemory(SlotMemory&& other) noexcept;
  SlotMemory& operator=(SlotMemory&& other) noexcept;

  uint8_t* memory() const { return memory_; }
  uint64_t capacity() const { return capacity_; }
  uint64_t used = 0;  // bytes that hold something

 private:
  uint8_t* memory_ = nullptr;
  uint64_t capacity_ = 0;
  uint64_t mapped_ = 0;
  uint64_t touched_ = 0;  // bytes from the start that may be resident from earlier use
};

// Puts memory under a number that nobody else has; from here the slot lives until it is taken.
uint32_t keep_slot(SlotMemory memory);

// Takes a slot out. Throws Failure `bad_request` where there is none under this number.
SlotMemory take_slot(uint32_t number);

// Slots in use, for tests and diagnosis.
size_t count_slots();

}  // namespace cairn
