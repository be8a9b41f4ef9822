#include "mutations.h"

#include <iterator>

namespace cairn::fuzz {

namespace {

// As often near the front, where lengths and tables are, as anywhere.
void change_bytes(std::vector<uint8_t>& bytes, Random& random) {
  static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  for (size_t times = 1 + below(random, 4); times > 0 && !bytes.empty(); --times) {
    const size_t near = random() % 2 == 0 && bytes.size() > 96 ? 96 : bytes.size();
    uint8_t& byte = bytes[below(random, near)];
    switch (random() % 3) {
      case 0: byte = extremes[below(random, std::size(extremes))]; break;
      case 1: byte = static_cast<uint8_t>(byte ^ 1u << below(random, 8)); break;
      default: byte = static_cast<uint8_t>(random());
    }
  }
}

void change_length(std::vector<uint8_t>& bytes, Random& random) {
  if (bytes.empty()) return;
  const size_t at = below(random, bytes.size());
  switch (random() % 4) {
    case 0: bytes.resize(at); break;
    case 1: bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at)); break;
    case 2: bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(random())); break;
    default: bytes.insert(bytes.end(), below(random, 16), static_cast<uint8_t>(random()));
  }
}

}  // namespace

uint16_t some_length(Random& random) {
  static const uint16_t edges[] = {1, 2, 7, 63, 64, 65, 127, 128, 511, 512, 2047, 2048, 2049, 4096, 16383, 20000};
  return random() % 2 == 0 ? edges[below(random, std::size(edges))] : static_cast<uint16_t>(1 + below(random, 6000));
}

void damage(std::vector<uint8_t>& stored, Random& random) {
  if (random() % 8 != 0) change_bytes(stored, random);
  if (random() % 4 == 0) change_length(stored, random);
}

void mutate(Case& from, Random& random) {
  damage(from.bytes, random);
  if (random() % 16 == 0) from.elements = some_length(random);
  if (random() % 16 == 0) from.element = static_cast<uint8_t>(below(random, 10));
  if (random() % 32 == 0) from.codec = static_cast<uint8_t>(below(random, codec_count));
}

}  // namespace cairn::fuzz
