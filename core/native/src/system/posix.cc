#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "base/failure.h"
#include "system/system.h"

namespace cairn::system {

namespace {

// Linux transfers at most 0x7ffff000 bytes a call; less keeps a cancelled or failing disk responsive.
constexpr size_t most_transfer = size_t{64} << 20;

FileHandle open_file(const std::string& path, int mode) {
  int descriptor;
  do {
    descriptor = ::open(path.c_str(), mode | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) throw system_failure(errno, path);
  return descriptor;
}

int as_descriptor(FileHandle file) { return static_cast<int>(file); }

// Repeats a transfer for as long as signals interrupt it.
template <typename Transfer>
size_t transferred(const std::string& path, size_t length, Transfer transfer) {
  for (;;) {
    const ssize_t done = transfer(length < most_transfer ? length : most_transfer);
    if (done >= 0) return static_cast<size_t>(done);
    if (errno != EINTR) throw system_failure(errno, path);
  }
}

}  // namespace

FileHandle open_to_read(const std::string& path) { return open_file(path, O_RDONLY); }

FileHandle open_to_write(const std::string& path) { return open_file(path, O_WRONLY); }

void close_file(FileHandle file) noexcept { ::close(as_descriptor(file)); }

size_t read_some(FileHandle file, uint8_t* out, size_t length, uint64_t offset, const std::string& path) {
  return transferred(path, length, [&](size_t part) { return ::pread(as_descriptor(file), out, part, static_cast<off_t>(offset)); });
}

size_t write_some(FileHandle file, const uint8_t* from, size_t length, uint64_t offset, const std::string& path) {
  return transferred(path, length, [&](size_t part) { return ::pwrite(as_descriptor(file), from, part, static_cast<off_t>(offset)); });
}

void expect_reads(FileHandle file, uint64_t offset, uint64_t length) noexcept {
#if defined(POSIX_FADV_WILLNEED)
  ::posix_fadvise(as_descriptor(file), static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_WILLNEED);
#else
  static_cast<void>(file), static_cast<void>(offset), static_cast<void>(length);
#endif
}

void begin_writeback(FileHandle file, uint64_t offset, uint64_t length) noexcept {
#if defined(SYNC_FILE_RANGE_WRITE)
  ::sync_file_range(as_descriptor(file), static_cast<off64_t>(offset), static_cast<off64_t>(length), SYNC_FILE_RANGE_WRITE);
#else
  static_cast<void>(file), static_cast<void>(offset), static_cast<void>(length);
#endif
}

void evict_pages(FileHandle file, const std::string& path) {
#if defined(POSIX_FADV_DONTNEED)
  // Dirty pages can't be dropped, so they are written back first.
  if (::fdatasync(as_descriptor(file)) != 0 && errno == EIO) throw system_failure(errno, path);
  ::posix_fadvise(as_descriptor(file), 0, 0, POSIX_FADV_DONTNEED);
#else
  static_cast<void>(file), static_cast<void>(path);
#endif
}

void set_times(const std::string& path, int64_t nanoseconds) {
  constexpr int64_t second = 1'000'000'000;
  timespec time;
  time.tv_nsec = static_cast<long>(((nanoseconds % second) + second) % second);
  time.tv_sec = static_cast<time_t>((nanoseconds - time.tv_nsec) / second);
  const timespec both[2] = {time, time};
  if (::utimensat(AT_FDCWD, path.c_str(), both, 0) != 0) throw system_failure(errno, path);
}

void* map_memory(size_t bytes) noexcept {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void unmap_memory(void* memory, size_t bytes) noexcept { ::munmap(memory, bytes); }

void* allocate_large(size_t bytes) noexcept {
  void* const memory = std::aligned_alloc(large_page, bytes);
#if defined(MADV_HUGEPAGE)
  // A wish: where it isn't granted, pages are small and nothing else changes.
  if (memory != nullptr) ::madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_large(void* memory) noexcept { std::free(memory); }

double thread_seconds() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void lower_thread_priority() noexcept {
#if defined(__linux__)
  // On Linux both count per thread.
  constexpr int lowest_nice = 19, who_process = 1, idle_class = 3, class_shift = 13;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), lowest_nice);
  ::syscall(SYS_ioprio_set, who_process, 0, idle_class << class_shift);
#elif defined(__APPLE__)
  ::setpriority(PRIO_DARWIN_THREAD, 0, PRIO_DARWIN_BG);
#endif
}

}  // namespace cairn::system
