// Stands between a process (through LD_PRELOAD) and the system: fails a chosen call on files below a folder, or writes down all
// that changes them, in order. What a real disk does once in years, on demand, under the real program.
//
//   SHIM_ROOT     the folder; calls on other files pass
//   SHIM_FAULT    what happens at one call (see `Fault`), with SHIM_AT concerned calls let through before; SHIM_STRUCK is made then
//   SHIM_TRACE    a file that gets every change: "W path offset length\n<bytes>", "T path length", "R from to", "U path",
//                 "D path" (a folder is made), "C path" (a file is made), "S path" (a file or folder is synced)
//   SHIM_CLOCK_S  the clock of the world jumps by so many seconds at the SHIM_AT-th look at it
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>

namespace {

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

const char* setting(const char* name) {
  const char* const value = ::getenv(name);
  return value == nullptr ? "" : value;
}

const std::string root = setting("SHIM_ROOT");
const std::string fault = setting("SHIM_FAULT");
std::atomic<long> calls_left{std::atol(setting("SHIM_AT"))};
std::recursive_mutex turn;  // what happens to files and what is written down of it have one order
// A process that is forked while another thread has the turn would wait for it for ever: that thread isn't in it.
[[maybe_unused]] const int forks =
    pthread_atfork([] { turn.lock(); }, [] { turn.unlock(); }, [] { new (&turn) std::recursive_mutex; });

bool concerns(const std::string& path) { return !root.empty() && path.compare(0, root.size(), root) == 0; }

std::string path_of(int descriptor) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
  return length < 0 ? std::string() : std::string(path, static_cast<size_t>(length));
}

// True once: at the call that is to fail.
bool strikes(const char* which, const std::string& path) {
  if (fault != which || !concerns(path) || calls_left.fetch_sub(1) != 0) return false;
  static const auto open_real = real<int (*)(const char*, int, mode_t)>("open");
  static const auto close_real = real<int (*)(int)>("close");
  close_real(open_real(setting("SHIM_STRUCK"), O_CREAT | O_WRONLY, 0644));
  return true;
}

int failing(int code) {
  errno = code;
  return -1;
}

void trace(const std::string& path, const std::string& line, const void* bytes = nullptr, size_t length = 0) {
  static const auto open_real = real<int (*)(const char*, int, mode_t)>("open");
  static const auto write_real = real<ssize_t (*)(int, const void*, size_t)>("write");
  static const int file = *setting("SHIM_TRACE") ? open_real(setting("SHIM_TRACE"), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644) : -1;
  if (file < 0 || !concerns(path)) return;
  const int before = errno;
  write_real(file, (line + "\n").data(), line.size() + 1);
  for (size_t done = 0; done < length;) done += static_cast<size_t>(write_real(file, static_cast<const char*>(bytes) + done, length - done));
  errno = before;
}

template <typename Put>
ssize_t put_bytes(int descriptor, const void* bytes, size_t length, off_t offset, Put put) {
  const std::lock_guard<std::recursive_mutex> held(turn);
  const std::string path = path_of(descriptor);
  if (strikes("write-eio", path)) return failing(EIO);
  if (strikes("write-eintr", path)) return failing(EINTR);
  if (strikes("write-lost", path)) return static_cast<ssize_t>(length);  // success is claimed, and nothing is there
  const bool full = strikes("write-enospc", path);
  if (full || strikes("write-short", path)) length = (length + 1) / 2;
  const ssize_t written = put(length);
  if (written > 0) trace(path, "W " + path + "\t" + std::to_string(offset) + "\t" + std::to_string(written), bytes, static_cast<size_t>(written));
  return full ? failing(ENOSPC) : written;
}

template <typename Sync>
int sync_file(int descriptor, Sync sync) {
  const std::lock_guard<std::recursive_mutex> held(turn);
  const std::string path = path_of(descriptor);
  if (strikes("sync-eio", path)) return failing(EIO);
  const int done = sync();
  if (done == 0) trace(path, "S " + path);
  return done;
}

template <typename Open>
int open_file(const char* path, int flags, Open open_it) {
  const std::lock_guard<std::recursive_mutex> held(turn);
  struct stat there;
  const bool makes = (flags & O_CREAT) != 0 && ::lstat(path, &there) != 0;
  if (makes && strikes("create-enospc", path)) return failing(ENOSPC);
  const int descriptor = open_it();
  if (makes && descriptor >= 0) trace(path, std::string("C ") + path);
  return descriptor;
}

mode_t mode_of(int flags, va_list rest) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(rest, int)) : 0; }

// Seconds that the clock of the world is off by now.
time_t jump() {
  static const long seconds = std::atol(setting("SHIM_CLOCK_S"));
  static std::atomic<long> looks{std::atol(setting("SHIM_AT"))};
  return seconds != 0 && looks.fetch_sub(1) <= 0 ? seconds : 0;
}

}  // namespace

extern "C" {

ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off64_t offset) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return put_bytes(descriptor, bytes, length, offset, [&](size_t part) { return next(descriptor, bytes, part, offset); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t offset) { return pwrite64(descriptor, bytes, length, offset); }

ssize_t write(int descriptor, const void* bytes, size_t length) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t)>("write");
  const off_t offset = ::lseek(descriptor, 0, SEEK_CUR);
  if (offset < 0) return next(descriptor, bytes, length);  // a pipe or a terminal
  return put_bytes(descriptor, bytes, length, offset, [&](size_t part) { return next(descriptor, bytes, part); });
}

ssize_t pread64(int descriptor, void* bytes, size_t length, off64_t offset) {
  static const auto next = real<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  if (fault.compare(0, 5, "read-") != 0) return next(descriptor, bytes, length, offset);
  const std::string path = path_of(descriptor);
  if (strikes("read-eio", path)) return failing(EIO);
  if (strikes("read-eintr", path)) return failing(EINTR);
  return next(descriptor, bytes, strikes("read-short", path) ? (length + 1) / 2 : length, offset);
}

ssize_t pread(int descriptor, void* bytes, size_t length, off_t offset) { return pread64(descriptor, bytes, length, offset); }

int fsync(int descriptor) {
  static const auto next = real<int (*)(int)>("fsync");
  return sync_file(descriptor, [&] { return next(descriptor); });
}

int fdatasync(int descriptor) {
  static const auto next = real<int (*)(int)>("fdatasync");
  return sync_file(descriptor, [&] { return next(descriptor); });
}

int ftruncate64(int descriptor, off64_t length) {
  static const auto next = real<int (*)(int, off64_t)>("ftruncate64");
  const std::lock_guard<std::recursive_mutex> held(turn);
  const std::string path = path_of(descriptor);
  if (strikes("truncate-enospc", path)) return failing(ENOSPC);
  const int done = next(descriptor, length);
  if (done == 0) trace(path, "T " + path + "\t" + std::to_string(length));
  return done;
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

int open64(const char* path, int flags, ...) {
  static const auto next = real<int (*)(const char*, int, mode_t)>("open64");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_file(path, flags, [&] { return next(path, flags, mode); });
}

int open(const char* path, int flags, ...) {
  static const auto next = real<int (*)(const char*, int, mode_t)>("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_file(path, flags, [&] { return next(path, flags, mode); });
}

int rename(const char* from, const char* to) {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  const std::lock_guard<std::recursive_mutex> held(turn);
  if (strikes("rename-eio", to)) return failing(EIO);
  if (strikes("rename-lost", to)) return 0;
  if (strikes("rename-kill", to)) ::raise(SIGKILL);
  const int done = next(from, to);
  if (strikes("renamed-kill", to)) ::raise(SIGKILL);
  if (done == 0) trace(to, std::string("R ") + from + "\t" + to);
  return done;
}

int unlink(const char* path) {
  static const auto next = real<int (*)(const char*)>("unlink");
  const std::lock_guard<std::recursive_mutex> held(turn);
  if (strikes("unlink-eio", path)) return failing(EIO);
  const int done = next(path);
  if (done == 0) trace(path, std::string("U ") + path);
  return done;
}

int mkdir(const char* path, mode_t mode) {
  static const auto next = real<int (*)(const char*, mode_t)>("mkdir");
  const std::lock_guard<std::recursive_mutex> held(turn);
  const int done = next(path, mode);
  if (done == 0) trace(path, std::string("D ") + path);
  return done;
}

int clock_gettime(clockid_t clock, timespec* time) {
  static const auto next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int done = next(clock, time);
  if (done == 0 && clock == CLOCK_REALTIME) time->tv_sec += jump();
  return done;
}

int gettimeofday(timeval* time, void* zone) {
  static const auto next = real<int (*)(timeval*, void*)>("gettimeofday");
  const int done = next(time, zone);
  if (done == 0) time->tv_sec += jump();
  return done;
}

}  // extern "C"
