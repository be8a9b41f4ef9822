#include "simd/huffman_streams.h"
#include "simd/kernels.h"

namespace cairn {
namespace {

size_t encode_streams(const uint8_t* symbols, size_t n, const PrefixCode& code, uint8_t* out, size_t sizes[8]) {
  uint64_t entries[256];
  fill_encode_table(code, entries);
  const StreamLayout layout(n);
  uint8_t* at = out;
  for (unsigned s = 0; s < layout.streams; ++s) {
    BitSink sink{at};
    append_symbols(symbols + layout.begin(s, n), layout.size(s, n), entries, sink);
    uint8_t* const end = sink.finish();
    sizes[s] = static_cast<size_t>(end - at);
    at = end;
  }
  return static_cast<size_t>(at - out);
}

}  // namespace

void add_scalar_huffman(Kernels& table) {
  table.encode_streams = encode_streams;
  table.decode_streams = decode_streams_portable;
}

}  // namespace cairn
