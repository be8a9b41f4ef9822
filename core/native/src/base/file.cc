#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace cairn {

namespace {
// Linux transfers at most 0x7ffff000 bytes a call; less keeps a cancelled or failing disk responsive.
constexpr size_t most_transfer = size_t{64} << 20;

size_t least(size_t a, size_t b) { return a < b ? a : b; }
}  // namespace

File::File(const std::string& path, Mode mode) : path_(path) {
  const int flags = (mode == Mode::read ? O_RDONLY : O_WRONLY) | O_CLOEXEC;
  do {
    descriptor_ = ::open(path.c_str(), flags);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) throw system_failure(errno, path);
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void File::read(uint8_t* out, size_t length, uint64_t offset, Code when_short) const {
  while (length != 0) {
    const ssize_t got = ::pread(descriptor_, out, least(length, most_transfer), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_failure(errno, path_);
    if (got == 0) {
      const char* const advice = when_short == Code::damaged ? "; the pack is cut short, restore it from a copy"
                                                             : "; it changed while it was read, run it again";
      throw Failure(when_short, path_ + ": ends before byte " + std::to_string(offset + length) + advice, path_);
    }
    out += got;
    offset += static_cast<uint64_t>(got);
    length -= static_cast<size_t>(got);
  }
}

void File::write(const uint8_t* from, size_t length, uint64_t offset) const {
  while (length != 0) {
    const ssize_t put = ::pwrite(descriptor_, from, least(length, most_transfer), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw system_failure(errno, path_);
    from += put;
    offset += static_cast<uint64_t>(put);
    length -= static_cast<size_t>(put);
  }
}

void File::expect_reads(uint64_t offset, uint64_t length) const {
#if defined(POSIX_FADV_WILLNEED)
  constexpr uint64_t ahead = uint64_t{32} << 20;
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(length + ahead), POSIX_FADV_WILLNEED);
#else
  static_cast<void>(offset), static_cast<void>(length);
#endif
}

void File::begin_writeback(uint64_t offset, uint64_t length) const {
#if defined(SYNC_FILE_RANGE_WRITE)
  ::sync_file_range(descriptor_, static_cast<off64_t>(offset), static_cast<off64_t>(length), SYNC_FILE_RANGE_WRITE);
#else
  static_cast<void>(offset), static_cast<void>(length);
#endif
}

void File::evict() const {
#if defined(POSIX_FADV_DONTNEED)
  // Dirty pages can't be dropped, so they are written back first.
  if (::fdatasync(descriptor_) != 0 && errno == EIO) throw system_failure(errno, path_);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
#endif
}

void set_file_times(const std::string& path, int64_t nanoseconds) {
  constexpr int64_t second = 1'000'000'000;
  timespec time;
  time.tv_nsec = static_cast<long>(((nanoseconds % second) + second) % second);
  time.tv_sec = static_cast<time_t>((nanoseconds - time.tv_nsec) / second);
  const timespec both[2] = {time, time};
  if (::utimensat(AT_FDCWD, path.c_str(), both, 0) != 0) throw system_failure(errno, path);
}

const File& OpenFiles::open(const std::string& path) {
  for (const File& file : files_) {
    if (file.path() == path) return file;
  }
  if (files_.size() < most_open) {
    files_.emplace_back(path, mode_);
    return files_.back();
  }
  File& replaced = files_[next_];
  next_ = (next_ + 1) % most_open;
  replaced = File(path, mode_);
  return replaced;
}

}  // namespace cairn
