// All that the core asks of the operating system, in one place: posix.cc and win32.cc do it, each the whole of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cairn::system {

// A file that is open: a descriptor, or on Windows a HANDLE.
using FileHandle = intptr_t;
constexpr FileHandle no_file = -1;

// Paths are UTF-8. All of these throw a Failure that names the path where the system refuses.
FileHandle open_to_read(const std::string& path);
// The file must be there.
FileHandle open_to_write(const std::string& path);
void close_file(FileHandle file) noexcept;

// How many bytes were moved: at least one, at most `length`; reading gives 0 at the end of the file.
size_t read_some(FileHandle file, uint8_t* out, size_t length, uint64_t offset, const std::string& path);
size_t write_some(FileHandle file, const uint8_t* from, size_t length, uint64_t offset, const std::string& path);

// Hints, see File. Systems that have no such thing do nothing.
void expect_reads(FileHandle file, uint64_t offset, uint64_t length) noexcept;
void begin_writeback(FileHandle file, uint64_t offset, uint64_t length) noexcept;
void evict_pages(FileHandle file, const std::string& path);

// The access and modification time of a file or folder, in nanoseconds since 1970, as exactly as the file system keeps them.
void set_times(const std::string& path, int64_t nanoseconds);

// Zeroed memory of the process that takes no room until it is touched; nullptr where there is none.
void* map_memory(size_t bytes) noexcept;
void unmap_memory(void* memory, size_t bytes) noexcept;

// Memory that is walked through again and again, in large pages where the system has them; `bytes` is a multiple of large_page. Gives
// nullptr where there is none.
constexpr size_t large_page = size_t{2} << 20;
void* allocate_large(size_t bytes) noexcept;
void free_large(void* memory) noexcept;

// Time that the calling thread had a processor, from some beginning.
double thread_seconds() noexcept;

// The calling thread takes what processor and disk others leave. A system that refuses only makes the work less polite.
void lower_thread_priority() noexcept;

}  // namespace cairn::system
