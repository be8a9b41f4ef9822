// Ranges of files: exact reads and writes at an offset, or a Failure that names the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/failure.h"
#include "system/system.h"

namespace cairn {

struct FileRange {
  std::string path;
  uint64_t offset;
  uint64_t length;
};

class File {
 public:
  enum class Mode { read, write };

  File() = default;
  File(const std::string& path, Mode mode);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  const std::string& path() const { return path_; }

  // Exactly `length` bytes. Where the file ends before, fails with `when_short`: `changed` for a source, `damaged` for a pack.
  void read(uint8_t* out, size_t length, uint64_t offset, Code when_short) const;
  void write(const uint8_t* from, size_t length, uint64_t offset) const;

  // Hints, which the system may not have and which change nothing but the time things take: that a range is about to be read, and what
  // lies behind it soon, because workers take a file in its order; and that what was written there should be on its way to
  // the disk already when it is synced.
  void expect_reads(uint64_t offset, uint64_t length) const;
  void begin_writeback(uint64_t offset, uint64_t length) const;

  // Writes back what is not on the disk yet and drops the file's pages from the page cache, where the system can.
  void evict() const;

 private:
  std::string path_;
  system::FileHandle file_ = system::no_file;
};

// The files of one request that were opened already; few stay open at a time.
class OpenFiles {
 public:
  explicit OpenFiles(File::Mode mode) : mode_(mode) {}
  const File& open(const std::string& path);

 private:
  static constexpr size_t most_open = 16;
  File::Mode mode_;
  std::vector<File> files_;
  size_t next_ = 0;  // the one to be closed next
};

}  // namespace cairn
