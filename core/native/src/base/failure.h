// What native code throws: a code of the closed list in core/contract/errors.ts, one line for the user, and the path it
// concerns. The binding turns it into a JavaScript Error with the same members.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace cairn {

enum class Code { bad_request, not_found, changed, damaged, unsupported, exists, no_space, denied, io, cancelled, internal };

const char* name_of(Code code);

class Failure : public std::exception {
 public:
  Failure(Code code, std::string message, std::string path = {}) : code(code), message(std::move(message)), path(std::move(path)) {}
  const char* what() const noexcept override { return message.c_str(); }

  Code code;
  std::string message;
  std::string path;  // empty: none
};

// For a system call that failed with `error` (an errno) on `path`.
Failure system_failure(int error, const std::string& path);

}  // namespace cairn
