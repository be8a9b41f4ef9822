// What the core asks of a file, done to the files that standard input names (UTF-8, one a line): read and written at offsets, read beyond its
// end, given a time. Prints what came of it, a line each; test/native/emulated.spec.ts compares systems.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include "base/file.h"
#include "base/scratch.h"
#include "system/system.h"

using namespace cairn;

namespace {

constexpr int64_t time_of_files = 1'500'000'000'123'456'700;

template <typename Work>
void attempt(const char* what, Work work) {
  try {
    std::printf("%s: %s\n", what, work().c_str());
  } catch (const Failure& failure) {
    std::printf("%s: %s\n", what, name_of(failure.code));
  }
}

std::string read_text(const std::string& path, size_t length, uint64_t offset) {
  std::string text(length, '\0');
  File(path, File::Mode::read).read(reinterpret_cast<uint8_t*>(text.data()), length, offset, Code::changed);
  return text;
}

std::string write_text(const std::string& path, const std::string& text, uint64_t offset) {
  const File file(path, File::Mode::write);
  file.write(reinterpret_cast<const uint8_t*>(text.data()), text.size(), offset);
  file.begin_writeback(offset, text.size());
  return "written";
}

std::string evict(const std::string& path) {
  File file(path, File::Mode::read);
  File moved = std::move(file);
  moved.expect_reads(0, 4);
  moved.evict();
  return "done";
}

// Others may move a file that is open here, as trainers move what they have finished.
std::string rename_while_open(const std::string& path) {
  const auto place = std::filesystem::u8path(path), other = std::filesystem::u8path(path + ".moved");
  const File file(path, File::Mode::read);
  std::filesystem::rename(place, other);
  std::string text(4, '\0');
  file.read(reinterpret_cast<uint8_t*>(text.data()), 4, 0, Code::changed);
  std::filesystem::rename(other, place);
  return text;
}

void examine(const std::string& path) {
  attempt("read", [&] { return read_text(path, 6, 4); });
  attempt("write", [&] { return write_text(path, "CAIRN", 2); });
  attempt("read again", [&] { return read_text(path, 10, 0); });
  attempt("beyond the end", [&] { return read_text(path, 10, 1 << 20); });
  attempt("rename", [&] { return rename_while_open(path); });
  attempt("evict", [&] { return evict(path); });
  attempt("time", [&] { return system::set_times(path, time_of_files), std::string("set"); });
}

}  // namespace

int main() {
  for (std::string path; std::getline(std::cin, path);) examine(path);
  uint8_t* const scratch = this_thread_scratch().take<uint8_t>(size_t{9} << 20);
  void* const mapped = system::map_memory(size_t{1} << 20);
  std::printf("memory: %s, %s\n", reinterpret_cast<uintptr_t>(scratch) % 64 == 0 ? "aligned" : "not aligned",
              mapped != nullptr && static_cast<uint8_t*>(mapped)[12345] == 0 ? "zero" : "not zero");
  system::unmap_memory(mapped, size_t{1} << 20);
  system::lower_thread_priority();
  std::printf("thread: %s\n", system::thread_seconds() >= 0 ? "timed" : "not timed");
}
