#include "codecs/zero_runs.h"

#include <cstring>

namespace cairn {

constexpr size_t longest_run = 256;

bool may_shorten(const uint8_t* symbols, size_t n) {
  size_t following = 0;
  for (size_t i = 0; i + 1 < n;) {
    uint8_t zeros = 0;  // as narrow as the symbols, so that compilers count sixteen at a time
    const size_t stop = n - 1 - i < 255 ? n - 1 : i + 255;
    for (; i < stop; ++i) zeros = static_cast<uint8_t>(zeros + ((symbols[i] | symbols[i + 1]) == 0));
    following += zeros;
  }
  return following >= n / 16;
}

size_t shorten_zero_runs(const uint8_t* symbols, size_t n, uint8_t* out) {
  uint8_t* at = out;
  for (size_t i = 0; i < n;) {
    const uint8_t symbol = symbols[i++];
    *at++ = symbol;
    if (symbol != 0) continue;
    const size_t start = i;
    while (i < n && i - start < longest_run - 1 && symbols[i] == 0) ++i;
    *at++ = static_cast<uint8_t>(i - start);
  }
  return static_cast<size_t>(at - out);
}

bool restore_zero_runs(const uint8_t* shortened, size_t size, uint8_t* symbols, size_t n) {
  size_t filled = 0;
  for (size_t i = 0; i < size;) {
    const uint8_t symbol = shortened[i++];
    if (symbol == 0 && i == size) return false;
    const size_t count = symbol == 0 ? size_t{1} + shortened[i++] : 1;
    if (count > n - filled) return false;
    std::memset(symbols + filled, symbol, count);
    filled += count;
  }
  return filled == n;
}

}  // namespace cairn
