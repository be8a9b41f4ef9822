#include "simd/huffman_decoding.h"
#include "simd/huffman_encoding.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  uint64_t entries[256];
  fill_encode_table(code, entries);
  return encode_each_stream(symbols, n, out, sizes, [&](const uint8_t* from, size_t count, uint8_t* at) {
    BitWriter to(at);
    append_symbols(from, count, entries, to);
    return to.finish();
  });
}

}  // namespace

void add_scalar_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams_portable;
}

}  // namespace cairn
