#include "base/file.h"

#include <utility>

namespace cairn {

File::File(const std::string& path, Mode mode) : path_(path), file_(mode == Mode::read ? system::open_to_read(path) : system::open_to_write(path)) {}

File::~File() {
  if (file_ != system::no_file) system::close_file(file_);
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, system::no_file)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  return *this;
}

void File::read(uint8_t* out, size_t length, uint64_t offset, Code when_short) const {
  while (length != 0) {
    const size_t got = system::read_some(file_, out, length, offset, path_);
    if (got == 0) {
      const char* const advice = when_short == Code::damaged ? "; the pack is cut short, restore it from a copy"
                                                             : "; it changed while it was read, run it again";
      throw Failure(when_short, path_ + ": ends before byte " + std::to_string(offset + length) + advice, path_);
    }
    out += got;
    offset += got;
    length -= got;
  }
}

void File::write(const uint8_t* from, size_t length, uint64_t offset) const {
  while (length != 0) {
    const size_t put = system::write_some(file_, from, length, offset, path_);
    from += put;
    offset += put;
    length -= put;
  }
}

void File::expect_reads(uint64_t offset, uint64_t length) const {
  constexpr uint64_t ahead = uint64_t{32} << 20;
  system::expect_reads(file_, offset, length + ahead);
}

void File::begin_writeback(uint64_t offset, uint64_t length) const { system::begin_writeback(file_, offset, length); }

void File::evict() const { system::evict_pages(file_, path_); }

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
