#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// Memory that is worked on once a plane is decoded. Decoding asks for it line by line on the way, so that it is near by then;
// asked for all at once it would be waited for.
struct Wanted {
  struct Range {
    const uint8_t* at = nullptr;
    size_t length = 0;
  };
  Range ranges[2];
};

}  // namespace cairn
