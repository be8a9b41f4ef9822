#include "codecs/huffman.h"

#include "simd/kernels.h"

namespace cairn {

void fill_encode_table(const PrefixCode& code, uint64_t entries[256]) {
  uint16_t bits[256];
  assign_codes(code, bits);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    const unsigned length = code.lengths[symbol];
    entries[symbol] = length == 0 ? 0 : uint64_t{bits[symbol]} << (64 - length) | length;
  }
}

size_t encode_symbols(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* work, uint8_t* out, size_t capacity) {
  uint64_t entries[256];
  fill_encode_table(code, entries);
  const StreamLayout layout(n);
  size_t sizes[most_streams];
  size_t total = 0;
  for (unsigned s = 0; s < layout.streams; ++s) {
    sizes[s] = kernels().encode_stream(symbols + layout.begin(s, n), layout.size(s, n), entries, work + total);
    total += sizes[s];
  }
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

const uint8_t* decode_symbols(const uint8_t* from, const uint8_t* end, uint8_t* symbols, size_t n) {
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
  CodedStreams coded{{from}, symbols, n};
  for (unsigned s = 0; s < layout.streams; ++s) {
    if (sizes[s] > static_cast<size_t>(end - from)) return nullptr;
    from += sizes[s];
    coded.bounds[s + 1] = from;
  }
  return kernels().decode_streams(coded, code) ? from : nullptr;
}

}  // namespace cairn
