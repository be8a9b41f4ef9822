// Working memory of one thread: a stack of allocations that keeps its pages from block to block, so that none is
// faulted in twice. Freed when the thread ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/codec.h"

namespace cairn {

class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Memory for `count` values of T and `slack` bytes more, aligned to 64 bytes, without meaning. Valid until the
  // Scope that was open when it was taken ends. Throws std::bad_alloc.
  template <class T>
  T* take(size_t count) {
    return reinterpret_cast<T*>(take_bytes(count * sizeof(T)));
  }

  // Gives back everything taken since it was made.
  class Scope {
   public:
    explicit Scope(Scratch& scratch) : scratch_(scratch), segment_(scratch.segment_), used_(scratch.used_) {}
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Scratch& scratch_;
    size_t segment_;
    size_t used_;
  };

 private:
  struct Segment {
    uint8_t* memory;
    size_t size;
  };
  uint8_t* take_bytes(size_t size);

  std::vector<Segment> segments_;
  size_t segment_ = 0;  // the one being filled
  size_t used_ = 0;     // bytes of it
};

// The calling thread's own.
Scratch& this_thread_scratch();

}  // namespace cairn
