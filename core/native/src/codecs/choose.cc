#include "codecs/choose.h"

#include <cstring>

#include "codecs/plain.h"
#include "codecs/registry.h"

namespace cairn {

namespace {


size_t encode_as(CodecId id, const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(scratch);
  return find_codec(static_cast<uint8_t>(id))->encode(block, scratch, out, capacity);
}

// Codes the block with each candidate and keeps the smallest in `out`, whose capacity is the block's length. Returns
// its length, or does_not_fit where none saves anything. At equal size the first wins.
size_t keep_smallest(const CodecId* candidates, size_t count, const RawBlock& block, Scratch& scratch, uint8_t* out, CodecId& kept) {
  const Scratch::Scope scope(scratch);
  size_t best = encode_as(candidates[0], block, scratch, out, block.length);
  kept = candidates[0];
  uint8_t* const other = count > 1 ? scratch.take<uint8_t>(block.length) : nullptr;
  for (size_t i = 1; i < count; ++i) {
    const size_t capacity = best == does_not_fit ? block.length : best - 1;
    if (best == 0) break;
    const size_t length = encode_as(candidates[i], block, scratch, other, capacity);
    if (length == does_not_fit) continue;
    std::memcpy(out, other, length);
    best = length;
    kept = candidates[i];
  }
  return best;
}

}  // namespace

size_t encode_chosen(Method method, const RawBlock& block, Scratch& scratch, uint8_t* out) {
  const auto store = [&](CodecId id, size_t length) {
    out[0] = static_cast<uint8_t>(id);
    return length + 1;
  };
  if (is_constant(block)) return store(CodecId::constant, encode_constant(block, scratch, out + 1, block.length));
  if (is_unchanged(block)) return store(CodecId::unchanged, 0);
  static const CodecId lmc[] = {CodecId::lmc, CodecId::lmc_xor};
  static const CodecId cairn[] = {CodecId::planes, CodecId::xor_planes};
  CodecId id;
  const size_t count = block.base == nullptr ? 1 : 2;
  const size_t length = keep_smallest(method == Method::lmc ? lmc : cairn, count, block, scratch, out + 1, id);
  if (length != does_not_fit && length < block.length) return store(id, length);
  return store(CodecId::raw, encode_raw(block, scratch, out + 1, block.length));
}

}  // namespace cairn
