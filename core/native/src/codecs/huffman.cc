#include "codecs/huffman.h"

#include "simd/kernels.h"

namespace cairn {

size_t encode_symbols(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* work, uint8_t* out, size_t capacity) {
  const StreamLayout layout(n);
  size_t sizes[most_streams];
  const size_t total = kernels().encode_streams(symbols, n, code, work, sizes);
  uint8_t header[longest_prefix_code + most_streams * longest_varint + 8];
  BitWriter bits(header);
  write_prefix_code(code, bits);
  uint8_t* end = bits.finish();
  for (unsigned s = 0; s < layout.streams; ++s) end = write_varint(end, static_cast<uint32_t>(sizes[s]));
  const size_t header_size = static_cast<size_t>(end - header);
  if (header_size + total > capacity) return does_not_fit;
  std::memcpy(out, header, header_size);
  std::memcpy(out + header_size, work, total);
  return header_size + total;
}

const uint8_t* decode_symbols(const uint8_t* from, const uint8_t* end, uint8_t* symbols, size_t n, const Wanted& wanted) {
  BitReader in(from, end);
  PrefixCode code;
  if (!read_prefix_code(in, code) || !in.padded() || code.lone()) return nullptr;
  from = in.next_byte();
  const StreamLayout layout(n);
  uint32_t sizes[most_streams];
  for (unsigned s = 0; s < layout.streams; ++s) {
    from = read_varint(from, end, sizes[s]);
    if (from == nullptr) return nullptr;
  }
  CodedStreams coded{{from}, symbols, n, wanted};
  for (unsigned s = 0; s < layout.streams; ++s) {
    if (sizes[s] > static_cast<size_t>(end - from)) return nullptr;
    from += sizes[s];
    coded.bounds[s + 1] = from;
  }
  return kernels().decode_streams(coded, code) ? from : nullptr;
}

}  // namespace cairn
