#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <malloc.h>

#include <cerrno>
#include <string>

#include "base/failure.h"
#include "system/system.h"

namespace cairn::system {

namespace {

// A call takes 32 bits; less keeps a cancelled or failing disk responsive.
constexpr size_t most_transfer = size_t{64} << 20;
// Windows counts from 1601, in units of 100 ns.
constexpr int64_t unit_nanoseconds = 100, units_before_1970 = 116'444'736'000'000'000;

int errno_of(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_NETPATH: return ENOENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD: return EACCES;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION: return EBUSY;
    case ERROR_WRITE_PROTECT: return EROFS;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
    case ERROR_NOT_ENOUGH_QUOTA: return ENOSPC;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY: return ENOMEM;
    default: return EIO;
  }
}

Failure last_failure(const std::string& path) { return system_failure(errno_of(::GetLastError()), path); }

std::wstring to_wide(const std::string& text, const std::string& path) {
  const int length = static_cast<int>(text.size());
  const int needed = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), length, nullptr, 0);
  if (needed <= 0) throw system_failure(ENOENT, path);
  std::wstring wide(static_cast<size_t>(needed), L'\0');
  ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), length, wide.data(), needed);
  return wide;
}

// The absolute path with the prefix that lifts the limit of 260 characters: "\\?\C:\..." or "\\?\UNC\server\...".
std::wstring long_path(const std::string& path) {
  const std::wstring given = to_wide(path, path);
  if (given.compare(0, 4, L"\\\\?\\") == 0) return given;
  const DWORD needed = ::GetFullPathNameW(given.c_str(), 0, nullptr, nullptr);
  if (needed == 0) throw last_failure(path);
  std::wstring full(needed, L'\0');
  full.resize(::GetFullPathNameW(given.c_str(), needed, full.data(), nullptr));
  return full.compare(0, 2, L"\\\\") == 0 ? L"\\\\?\\UNC" + full.substr(1) : L"\\\\?\\" + full;
}

// Others may go on reading, writing, renaming and deleting: an archive never keeps a trainer from its files.
constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

HANDLE open_handle(const std::string& path, DWORD access, DWORD flags) {
  const HANDLE handle = ::CreateFileW(long_path(path).c_str(), access, share_all, nullptr, OPEN_EXISTING, flags, nullptr);
  if (handle == INVALID_HANDLE_VALUE) throw last_failure(path);
  return handle;
}

HANDLE as_handle(FileHandle file) { return reinterpret_cast<HANDLE>(file); }

OVERLAPPED at_offset(uint64_t offset) {
  OVERLAPPED at{};
  at.Offset = static_cast<DWORD>(offset);
  at.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return at;
}

DWORD part_of(size_t length) { return static_cast<DWORD>(length < most_transfer ? length : most_transfer); }

}  // namespace

FileHandle open_to_read(const std::string& path) { return reinterpret_cast<FileHandle>(open_handle(path, GENERIC_READ, FILE_ATTRIBUTE_NORMAL)); }

FileHandle open_to_write(const std::string& path) { return reinterpret_cast<FileHandle>(open_handle(path, GENERIC_WRITE, FILE_ATTRIBUTE_NORMAL)); }

void close_file(FileHandle file) noexcept { ::CloseHandle(as_handle(file)); }

size_t read_some(FileHandle file, uint8_t* out, size_t length, uint64_t offset, const std::string& path) {
  OVERLAPPED at = at_offset(offset);
  DWORD done = 0;
  if (::ReadFile(as_handle(file), out, part_of(length), &done, &at)) return done;
  if (::GetLastError() == ERROR_HANDLE_EOF) return 0;
  throw last_failure(path);
}

size_t write_some(FileHandle file, const uint8_t* from, size_t length, uint64_t offset, const std::string& path) {
  OVERLAPPED at = at_offset(offset);
  DWORD done = 0;
  if (!::WriteFile(as_handle(file), from, part_of(length), &done, &at)) throw last_failure(path);
  return done;
}

void expect_reads(FileHandle, uint64_t, uint64_t) noexcept {}

void begin_writeback(FileHandle, uint64_t, uint64_t) noexcept {}

// Windows drops pages of a file only when nothing has it open, and tells nobody; the proof may then read memory.
void evict_pages(FileHandle, const std::string&) {}

void set_times(const std::string& path, int64_t nanoseconds) {
  // Folders are opened with the flag that is named after backups.
  const HANDLE handle = open_handle(path, FILE_WRITE_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS);
  const int64_t rest = nanoseconds % unit_nanoseconds, units = nanoseconds / unit_nanoseconds - (rest < 0 ? 1 : 0) + units_before_1970;
  const FILETIME time = {static_cast<DWORD>(units), static_cast<DWORD>(static_cast<uint64_t>(units) >> 32)};
  const bool done = ::SetFileTime(handle, nullptr, &time, &time) != 0;
  const Failure failure = last_failure(path);
  ::CloseHandle(handle);
  if (!done) throw failure;
}

void* map_memory(size_t bytes) noexcept { return ::VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE); }

void unmap_memory(void* memory, size_t) noexcept { ::VirtualFree(memory, 0, MEM_RELEASE); }

void* allocate_large(size_t bytes) noexcept { return ::_aligned_malloc(bytes, large_page); }  // large pages want a privilege here

void free_large(void* memory) noexcept { ::_aligned_free(memory); }

double thread_seconds() noexcept {
  FILETIME created, exited, kernel, user;
  if (!::GetThreadTimes(::GetCurrentThread(), &created, &exited, &kernel, &user)) return 0;
  const auto units = [](const FILETIME& time) { return static_cast<uint64_t>(time.dwHighDateTime) << 32 | time.dwLowDateTime; };
  return static_cast<double>(units(kernel) + units(user)) * 1e-7;
}

void lower_thread_priority() noexcept { ::SetThreadPriority(::GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN); }

}  // namespace cairn::system
