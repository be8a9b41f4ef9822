#include "codecs/choose.h"

#include <algorithm>
#include <cstring>

#include "codecs/choose_delta.h"
#include "codecs/choose_runs.h"
#include "codecs/conditioned.h"
#include "codecs/lmc.h"
#include "codecs/moment.h"
#include "codecs/plain.h"
#include "codecs/planes.h"
#include "codecs/registry.h"
#include "codecs/rounded.h"
#include "codecs/rows.h"

namespace cairn {

namespace {

// Blocks up to this size are coded with every candidate: estimates are poor there, and it costs little.
constexpr size_t small_block_bytes = size_t{64} << 10;

// Larger ones with those whose estimate is at most this part above the smallest size so far. Measured on 831 tensors of
// real chains (bf16, fp16, fp32 weights and Adam moments): with 1/400 the smallest candidate is found every time.
constexpr size_t tolerance_parts = 100;

// Those of which less than this part is left, too.
constexpr size_t sparse_parts = 64;

// An estimate of runs by slices may be this part too great.
constexpr size_t runs_tolerance_parts = 32;

// Estimates by planes look at so many slices of so many elements, spread evenly.
constexpr size_t slice_count = 16;
constexpr size_t slice_elements = 4096;

// Elements from which on sorting symbols by their tables pays, in time.
constexpr size_t least_for_parts = 8192;

struct Candidate {
  CodecId id;
  size_t estimate;  // bytes, about; does_not_fit: refused
};

// The slices of a block as a block of their own.
RawBlock take_slices(const RawBlock& block, Scratch& scratch) {
  const size_t width = width_of(block.element), slice = slice_elements * width;
  if (block.length <= 2 * slice_count * slice) return block;
  uint8_t* const raw = scratch.take<uint8_t>(slice_count * slice);
  uint8_t* const base = scratch.take<uint8_t>(slice_count * slice);
  const size_t stride = (block.length - slice) / (slice_count - 1) / width * width;
  for (size_t i = 0; i < slice_count; ++i) {
    std::memcpy(raw + i * slice, block.raw + i * stride, slice);
    std::memcpy(base + i * slice, block.base + i * stride, slice);
  }
  return {raw, base, slice_count * slice, block.element};
}

size_t scale(size_t estimate, size_t from, size_t to) {
  return estimate == does_not_fit ? does_not_fit : static_cast<size_t>(static_cast<uint64_t>(estimate) * to / from);
}

// Whether LMC is a candidate wherever planes are: estimates are poor in small blocks, and what is no tensor (headers, pickles, the
// padding of archives) has long runs of zeros.
bool always_tries_lmc(const RawBlock& block) { return block.length <= small_block_bytes || block.element == Element::bytes8; }

// What LMC takes for a block at least, from coding its slices: how much of a block lies in runs, a few of them tell roughly.
size_t estimate_lmc(EncodeBlock encode, const RawBlock& slices, size_t length, Scratch& scratch) {
  const Scratch::Scope scope(scratch);
  const size_t size = scale(encode(slices, scratch, scratch.take<uint8_t>(slices.length), slices.length), slices.length, length);
  return size == does_not_fit ? does_not_fit : size - size / runs_tolerance_parts;
}

// Elements of eight bytes may change their statistics within a part of a plane, which is two sub-blocks of LMC.
bool changes_within_parts(const RawBlock& block) { return width_of(block.element) == 8; }

// Whether LMC may be smaller than planes, of the block or of its XOR with the base: for that, or because of zeros side by side.
bool may_be_lmc(const RawBlock& block, const uint8_t* base) {
  return !always_tries_lmc(block) && (changes_within_parts(block) || has_zero_runs(block, base));
}

// Adds LMC where it may be smaller than what else there is; returns how many candidates there are then.
size_t add_runs(const RawBlock& block, const RawBlock& slices, Scratch& scratch, Candidate candidates[6], size_t count) {
  const auto estimate = [&](EncodeBlock encode) { return changes_within_parts(block) ? 0 : estimate_lmc(encode, slices, block.length, scratch); };
  if (may_be_lmc(block, nullptr)) candidates[count++] = {CodecId::lmc, estimate(encode_lmc)};
  if (may_be_lmc(block, block.base)) candidates[count++] = {CodecId::lmc_xor, estimate(encode_lmc_xor)};
  return count;
}

// Of a block without a base.
size_t list_candidates(const RawBlock& block, bool is_alone, Scratch& scratch, Candidate candidates[6]) {
  candidates[0] = {CodecId::planes, is_alone ? 0 : estimate_planes(block, scratch)};
  if (!may_be_lmc(block, nullptr)) return 1;
  candidates[1] = {CodecId::lmc, 0};
  return 2;
}

// The candidates of method cairn, the most promising first; returns how many.
size_t rank_candidates(const RawBlock& block, bool is_alone, Scratch& scratch, Candidate candidates[6]) {
  if (block.base == nullptr) return list_candidates(block, is_alone, scratch, candidates);
  const Scratch::Scope scope(scratch);
  const RawBlock slices = take_slices(block, scratch);
  candidates[0] = {block.length / width_of(block.element) < least_for_parts ? CodecId::conditioned : CodecId::conditioned_parts, estimate_conditioned(block, scratch)};
  candidates[1] = {CodecId::difference_planes, estimate_difference_planes(block, scratch)};
  candidates[2] = {CodecId::xor_planes, scale(estimate_xor_planes(slices, scratch), slices.length, block.length)};
  candidates[3] = {CodecId::planes, scale(estimate_planes(slices, scratch), slices.length, block.length)};
  const size_t count = add_runs(block, slices, scratch, candidates, 4);
  // Stable, so that equal estimates keep this order everywhere.
  std::stable_sort(candidates, candidates + count, [](const Candidate& a, const Candidate& b) { return a.estimate < b.estimate; });
  return count;
}

// What knows more of the block than its bytes and its base, if anything does; with estimate 0, because it is tried anyway.
size_t add_predicted(const RawBlock& block, Candidate candidates[1]) {
  if (may_be_moment(block)) candidates[0] = {CodecId::moment, 0};
  else if (may_have_rows(block)) candidates[0] = {block.base == nullptr ? CodecId::rows : CodecId::rows_base, 0};
  else return 0;
  return 1;
}

// Adds lmc's counterparts of planes and xor-planes, to be tried anyway; returns how many candidates there are then.
size_t add_lmc(Candidate candidates[6], size_t count) {
  size_t more = count;
  for (size_t i = 0; i < count; ++i) {
    if (candidates[i].id == CodecId::planes) candidates[more++] = {CodecId::lmc, 0};
    if (candidates[i].id == CodecId::xor_planes) candidates[more++] = {CodecId::lmc_xor, 0};
  }
  return more;
}

size_t encode_as(CodecId id, const RawBlock& block, Scratch& scratch, uint8_t* out, size_t capacity) {
  const Scratch::Scope scope(scratch);
  return find_codec(static_cast<uint8_t>(id))->encode(block, scratch, out, capacity);
}

struct Kept {
  CodecId id;
  size_t length;  // does_not_fit where no candidate saves anything
};

// Whether it may be smaller than what is kept and takes `best` bytes more than that. Where runs of zeros pay, or little is left of a
// block, estimates from slices are poor and coding is fast.
bool is_worth_trying(const Candidate& candidate, const RawBlock& block, const Kept& kept, size_t best) {
  if (block.length <= small_block_bytes || best < block.length / sparse_parts) return true;  // whatever was estimated
  if (kept.id == CodecId::lmc && candidate.id == CodecId::planes) return true;
  if (kept.id == CodecId::lmc_xor && candidate.id == CodecId::xor_planes) return true;
  return candidate.estimate != does_not_fit && candidate.estimate - candidate.estimate / tolerance_parts < best;
}

// Codes the block with the candidates worth it, in order, and leaves the smallest outcome in `out`; among equals the first.
Kept keep_smallest(const Candidate* candidates, size_t count, const RawBlock& block, Scratch& scratch, uint8_t* out) {
  const Scratch::Scope scope(scratch);
  // One byte is left for the codec id, so that what is kept is smaller than raw.
  Kept kept{candidates[0].id, encode_as(candidates[0].id, block, scratch, out, block.length - 1)};
  uint8_t* other = nullptr;
  for (size_t i = 1; i < count && kept.length != 0; ++i) {
    const size_t capacity = kept.length == does_not_fit ? block.length - 1 : kept.length - 1;
    if (!is_worth_trying(candidates[i], block, kept, capacity)) continue;
    if (other == nullptr) other = scratch.take<uint8_t>(block.length);
    const size_t length = encode_as(candidates[i].id, block, scratch, other, capacity);
    if (length == does_not_fit) continue;
    std::memcpy(out, other, length);
    kept = {candidates[i].id, length};
  }
  return kept;
}

Kept encode_smallest(Method method, const RawBlock& block, Scratch& scratch, uint8_t* out) {
  // In the order of trying. With estimate 0 a candidate is always tried.
  Candidate candidates[7] = {{CodecId::lmc, 0}, {CodecId::lmc_xor, 0}, {}, {}, {}, {}, {}};
  if (method == Method::lmc) return keep_smallest(candidates, block.base == nullptr ? 1 : 2, block, scratch, out);
  const size_t predicted = add_predicted(block, candidates);
  if (block.base != nullptr && predicted == 0 && block.length > small_block_bytes) {
    const size_t length = encode_if_far_ahead(block, scratch, out, block.length - 1);
    if (length != does_not_fit) return {CodecId::conditioned_parts, length};
  }
  Candidate* const ranked = candidates + predicted;
  size_t count = rank_candidates(block, predicted == 0, scratch, ranked);
  if (always_tries_lmc(block)) count = add_lmc(ranked, count);
  return keep_smallest(candidates, predicted + count, block, scratch, out);
}

}  // namespace

size_t encode_chosen(Method method, const RawBlock& block, Scratch& scratch, uint8_t* out) {
  const auto store = [&](CodecId id, size_t length) {
    out[0] = static_cast<uint8_t>(id);
    return length + 1;
  };
  if (is_constant(block)) return store(CodecId::constant, encode_constant(block, scratch, out + 1, block.length));
  if (is_unchanged(block)) return store(CodecId::unchanged, 0);
  if (method == Method::cairn && is_rounded(block)) return store(CodecId::rounded, 0);
  const Kept kept = encode_smallest(method, block, scratch, out + 1);
  if (kept.length != does_not_fit) return store(kept.id, kept.length);
  return store(CodecId::raw, encode_raw(block, scratch, out + 1, block.length));
}

}  // namespace cairn
