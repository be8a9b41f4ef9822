#include "base/failure.h"

#include <cerrno>
#include <cstring>

namespace cairn {

const char* name_of(Code code) {
  switch (code) {
    case Code::bad_request: return "bad_request";
    case Code::not_found: return "not_found";
    case Code::changed: return "changed";
    case Code::damaged: return "damaged";
    case Code::unsupported: return "unsupported";
    case Code::exists: return "exists";
    case Code::no_space: return "no_space";
    case Code::denied: return "denied";
    case Code::io: return "io";
    case Code::cancelled: return "cancelled";
    case Code::internal: return "internal";
  }
  return "internal";
}

Failure system_failure(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {Code::not_found, path + ": no such file or folder; check the path", path};
    case EACCES:
    case EPERM:
      return {Code::denied, path + ": permission denied; check the owner and mode", path};
    case EROFS:
      return {Code::denied, path + ": the file system is read-only; choose another folder", path};
    case ENOSPC:
    case EFBIG:
      return {Code::no_space, path + ": the disk is full; free some space and run it again", path};
#if defined(EDQUOT)
    case EDQUOT:
      return {Code::no_space, path + ": the disk quota is used up; free some space and run it again", path};
#endif
    case EBUSY:
      return {Code::io, path + ": another program keeps it for itself; close that and run it again", path};
    case EIO:
      return {Code::io, path + ": the device reported an input/output error; check its health", path};
    default:
      return {Code::io, path + ": " + std::strerror(error) + "; check the disk and run it again", path};
  }
}

}  // namespace cairn
