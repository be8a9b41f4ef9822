#include "simd/huffman_streams.h"
#include "simd/kernels.h"

namespace cairn {

void add_scalar_huffman(Kernels& table) {
  table.encode_streams = encode_streams_portable;
  table.decode_streams = decode_streams_portable;
}

}  // namespace cairn
