#include "cases.h"

namespace cairn::fuzz {

bool read_case(const uint8_t* bytes, size_t length, Case& result) {
  if (length < case_header_bytes) return false;
  result.codec = bytes[0] % codec_count;
  result.element = bytes[1];
  result.seed = bytes[2];
  result.elements = static_cast<uint16_t>(1 + (bytes[3] | bytes[4] << 8) % most_elements);
  result.bytes.assign(bytes + case_header_bytes, bytes + length);
  return true;
}

std::vector<uint8_t> write_case(const Case& from) {
  const unsigned elements = from.elements - 1u;
  std::vector<uint8_t> bytes{from.codec, from.element, from.seed, static_cast<uint8_t>(elements), static_cast<uint8_t>(elements >> 8)};
  bytes.insert(bytes.end(), from.bytes.begin(), from.bytes.end());
  return bytes;
}

}  // namespace cairn::fuzz
