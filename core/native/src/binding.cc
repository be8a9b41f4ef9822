#include "binding.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "analyse.h"
#include "base/limits.h"
#include "bench.h"
#include "decode.h"
#include "descriptors.h"
#include "encode.h"
#include "system/system.h"

namespace cairn {

namespace {

constexpr int format_version = 1;  // FORMAT.md

Napi::Value to_uint8_array(Napi::Env env, const uint8_t* bytes, size_t length) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, length);
  if (length != 0) std::memcpy(array.Data(), bytes, length);
  return array;
}

Napi::Value to_uint32_array(Napi::Env env, const std::vector<uint32_t>& values) {
  Napi::Uint32Array array = Napi::Uint32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof values[0]);
  return array;
}

Napi::Value to_digest(Napi::Env env, const Digest& digest) { return to_uint8_array(env, digest.data(), digest.size()); }

Napi::Value about(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object answer = Napi::Object::New(env);
  Napi::Array names = Napi::Array::New(env);
  uint32_t count = 0;
  for (const char* const* name = kernel_names(); *name != nullptr; ++name) names.Set(count++, Napi::String::New(env, *name));
  answer.Set("formatVersion", Napi::Number::New(env, format_version));
  answer.Set("implementation", Napi::String::New(env, kernels().name));
  answer.Set("implementations", names);
  return answer;
}

Napi::Value to_encoded_item(Napi::Env env, const EncodedItem& item) {
  Napi::Object answer = Napi::Object::New(env);
  Napi::Array used = Napi::Array::New(env, item.used.size());
  for (uint32_t i = 0; i < item.used.size(); ++i) used.Set(i, Napi::Boolean::New(env, item.used[i]));
  answer.Set("slotOffset", Napi::Number::New(env, static_cast<double>(item.slot_offset)));
  answer.Set("storedLength", Napi::Number::New(env, static_cast<double>(item.stored_length)));
  answer.Set("lengths", to_uint32_array(env, item.lengths));
  answer.Set("checksums", to_uint32_array(env, item.checksums));
  answer.Set("digest", to_digest(env, item.digest));
  answer.Set("used", used);
  answer.Set("codecs", to_uint32_array(env, item.codecs));
  return answer;
}

Napi::Value encode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<EncodeItem> items = read_encode_items(info[0]);
  const CancelFlag cancel = read_cancel(info[0]);
  SlotMemory slot(slot_bytes(items));
  const std::vector<EncodedItem> encoded = encode_items(items, cancel, slot);
  Napi::Array answers = Napi::Array::New(env, encoded.size());
  for (uint32_t i = 0; i < encoded.size(); ++i) answers.Set(i, to_encoded_item(env, encoded[i]));
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("items", answers);
  // Last: nothing after this may fail, or nobody would know the slot's number.
  answer.Set("slot", Napi::Number::New(env, keep_slot(std::move(slot))));
  return answer;
}

Napi::Value hold(const Napi::CallbackInfo& info) {
  const std::vector<Bytes> list = read_byte_list(info[0]);
  uint64_t total = 0;
  for (const Bytes& bytes : list) total += bytes.length;
  SlotMemory slot(total);
  for (const Bytes& bytes : list) {
    if (bytes.length != 0) std::memcpy(slot.memory() + slot.used, bytes.data, bytes.length);
    slot.used += bytes.length;
  }
  return Napi::Number::New(info.Env(), keep_slot(std::move(slot)));
}

void write_pieces(const WriteRequest& request, const SlotMemory& slot) {
  const File file(request.path, File::Mode::write);
  for (const WritePiece& piece : request.pieces) {
    if (piece.slot_offset > slot.used || piece.length > slot.used - piece.slot_offset) {
      throw Failure(Code::bad_request, "pieces: must lie within the slot's " + std::to_string(slot.used) + " bytes");
    }
    file.write(slot.memory() + piece.slot_offset, piece.length, piece.file_offset);
    file.begin_writeback(piece.file_offset, piece.length);
  }
}

Napi::Value write(const Napi::CallbackInfo& info) {
  // The number first: the slot is freed whatever else is wrong with the request.
  const Napi::Value number = info[0].IsObject() ? info[0].As<Napi::Object>().Get("slot") : info[0];
  const SlotMemory slot = take_slot(read_slot_number(number));
  write_pieces(read_write_request(info[0]), slot);
  return info.Env().Undefined();
}

Napi::Value release(const Napi::CallbackInfo& info) {
  take_slot(read_slot_number(info[0]));
  return info.Env().Undefined();
}

Napi::Value decode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<DecodeItem> items = read_decode_items(info[0]);
  const std::vector<Digest> digests = decode_items(items, read_cancel(info[0]));
  Napi::Array answers = Napi::Array::New(env, digests.size());
  for (uint32_t i = 0; i < digests.size(); ++i) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("digest", to_digest(env, digests[i]));
    answers.Set(i, item);
  }
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("items", answers);
  return answer;
}

Napi::Value digest(const Napi::CallbackInfo& info) {
  const DigestRequest request = read_digest_request(info[0]);
  return to_digest(info.Env(), digest_ranges(request.ranges, request.first_chunk, request.whole, read_cancel(info[0])));
}

Napi::Value join(const Napi::CallbackInfo& info) {
  const Bytes values = read_bytes(info[0], "chainingValues");
  const uint64_t span = read_count(info[1], "spanBytes", limits::largest_offset);
  const uint64_t total = read_count(info[2], "totalBytes", limits::largest_offset);
  if (span < digest_chunk_bytes || (span & (span - 1)) != 0) throw Failure(Code::bad_request, "spanBytes: must be a power of two of at least 1024");
  const uint64_t count = (total + span - 1) / span;
  if (count < 2 || values.length != count * digest_bytes) {
    throw Failure(Code::bad_request, "chainingValues: must be 32 bytes for each of at least two spans of totalBytes");
  }
  return to_digest(info.Env(), join_digests(values.data, count));
}

Napi::Value digest_of_bytes(const Napi::CallbackInfo& info) {
  const Bytes bytes = read_bytes(info[0], "bytes");
  const bool whole = info[2].IsUndefined() || info[2].ToBoolean();
  const uint64_t first_chunk = info[1].IsUndefined() ? 0 : read_count(info[1], "firstChunk", limits::largest_offset / digest_chunk_bytes);
  if (whole ? first_chunk != 0 : bytes.length == 0) throw Failure(Code::bad_request, "firstChunk: a whole content starts at 0, and a piece of one has bytes");
  PieceDigest digest(first_chunk);
  digest.update(bytes.data, bytes.length);
  return to_digest(info.Env(), whole ? digest.root() : digest.chaining_value());
}

Napi::Value checksum_of_bytes(const Napi::CallbackInfo& info) {
  const Bytes bytes = read_bytes(info[0], "bytes");
  return Napi::Number::New(info.Env(), ~kernels().checksum(0xffffffff, bytes.data, bytes.length));
}

Napi::Value evict(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Failure(Code::bad_request, "path: must be a string");
  File(info[0].As<Napi::String>().Utf8Value(), File::Mode::read).evict();
  return info.Env().Undefined();
}

Napi::Value set_modified(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Failure(Code::bad_request, "path: must be a string");
  if (!info[1].IsBigInt()) throw Failure(Code::bad_request, "mtimeNs: must be a bigint");
  bool lossless = false;
  const int64_t nanoseconds = info[1].As<Napi::BigInt>().Int64Value(&lossless);
  if (!lossless) throw Failure(Code::bad_request, "mtimeNs: must fit 64 bits");
  system::set_times(info[0].As<Napi::String>().Utf8Value(), nanoseconds);
  return info.Env().Undefined();
}

Napi::Value lower_priority(const Napi::CallbackInfo& info) {
  system::lower_thread_priority();
  return info.Env().Undefined();
}

Napi::Value bench(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BenchItem item = read_bench_item(info[0]);
  const BenchTimes times = run_bench(item);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("rawLength", Napi::Number::New(env, static_cast<double>(item.source.length)));
  answer.Set("storedLength", Napi::Number::New(env, static_cast<double>(times.stored_length)));
  answer.Set("encodeSeconds", Napi::Number::New(env, times.encode_seconds));
  answer.Set("decodeSeconds", Napi::Number::New(env, times.decode_seconds));
  answer.Set("memcpySeconds", Napi::Number::New(env, times.memcpy_seconds));
  answer.Set("digestSeconds", Napi::Number::New(env, times.digest_seconds));
  return answer;
}

template <class Values>
Napi::Value to_numbers(Napi::Env env, const Values& values, size_t count) {
  Napi::Float64Array array = Napi::Float64Array::New(env, count);
  std::copy_n(values.begin(), count, array.Data());
  return array;
}

Napi::Value to_analysis(Napi::Env env, const AnalyseItem& item, const Analysis& sums) {
  const size_t width = width_of(item.element);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("elements", Napi::Number::New(env, static_cast<double>(sums.elements)));
  answer.Set("planeBits", to_numbers(env, sums.plane_bits, width));
  if (is_float(item.element)) answer.Set("exponents", to_numbers(env, sums.exponents, sums.exponents.size()));
  if (item.bases.empty()) return answer;
  answer.Set("bitFlips", to_numbers(env, sums.bit_flips, 8 * width));
  answer.Set("unchanged", Napi::Number::New(env, static_cast<double>(sums.unchanged)));
  answer.Set("finitePairs", Napi::Number::New(env, static_cast<double>(sums.finite_pairs)));
  answer.Set("absoluteChange", Napi::Number::New(env, sums.absolute_change));
  return answer;
}

Napi::Value analyse_ranges(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<AnalyseItem> items = read_analyse_items(info[0]);
  const CancelFlag cancel = read_cancel(info[0]);
  Napi::Array answers = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); ++i) answers.Set(i, to_analysis(env, items[i], analyse_item(items[i], cancel)));
  return answers;
}

Napi::Error to_error(Napi::Env env, const char* code, const std::string& message, const std::string& path) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  if (!path.empty()) error.Set("path", Napi::String::New(env, path));
  return error;
}

// A function as JavaScript calls it: everything thrown becomes an Error with a code of the closed list.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const Failure& failure) {
    throw to_error(info.Env(), name_of(failure.code), failure.message, failure.path);
  } catch (const std::bad_alloc&) {
    throw to_error(info.Env(), "internal", "out of memory; close other programs or use fewer threads", "");
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& thrown) {
    throw to_error(info.Env(), "internal", std::string("unexpected: ") + thrown.what() + "; please report it", "");
  }
}

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

}  // namespace

void export_functions(Napi::Object exports) {
  add<about>(exports, "about");
  add<encode>(exports, "encode");
  add<hold>(exports, "hold");
  add<write>(exports, "write");
  add<release>(exports, "release");
  add<decode>(exports, "decode");
  add<digest>(exports, "digest");
  add<join>(exports, "joinDigests");
  add<digest_of_bytes>(exports, "digestBytes");
  add<checksum_of_bytes>(exports, "checksumBytes");
  add<evict>(exports, "evict");
  add<set_modified>(exports, "setModified");
  add<lower_priority>(exports, "lowerPriority");
  add<bench>(exports, "bench");
  add<analyse_ranges>(exports, "analyse");
}

}  // namespace cairn
