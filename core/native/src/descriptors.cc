#include "descriptors.h"

#include <cmath>

#include "base/limits.h"

namespace cairn {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& demand) {
  throw Failure(Code::bad_request, name + ": must be " + demand);
}

// A value and the name the caller knows it by.
class Option {
 public:
  Option(Napi::Value value, std::string name) : value_(value), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  const Napi::Value& value() const { return value_; }
  bool is_absent() const { return value_.IsUndefined(); }

  Option member(const char* key) const {
    if (!value_.IsObject()) refuse(name_, "a record");
    return {value_.As<Napi::Object>().Get(key), name_ == "request" ? key : name_ + "." + key};
  }

  std::vector<Option> list() const {
    if (!value_.IsArray()) refuse(name_, "a list");
    const Napi::Array array = value_.As<Napi::Array>();
    if (array.Length() > limits::most_items) refuse(name_, "a list of at most " + std::to_string(limits::most_items));
    std::vector<Option> options;
    options.reserve(array.Length());
    for (uint32_t i = 0; i < array.Length(); ++i) options.emplace_back(array.Get(i), name_ + "[" + std::to_string(i) + "]");
    return options;
  }

  uint64_t integer(uint64_t least, uint64_t most) const {
    const double number = value_.IsNumber() ? value_.As<Napi::Number>().DoubleValue() : -1;
    // The negated form also refuses NaN.
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) || number != std::floor(number)) {
      refuse(name_, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<uint64_t>(number);
  }

  bool boolean() const {
    if (!value_.IsBoolean()) refuse(name_, "true or false");
    return value_.As<Napi::Boolean>().Value();
  }

  std::string text() const {
    if (!value_.IsString()) refuse(name_, "a string");
    return value_.As<Napi::String>().Utf8Value();
  }

  std::string path() const {
    std::string path = text();
    if (path.empty() || path.find('\0') != std::string::npos) refuse(name_, "a path");
    return path;
  }

  std::vector<uint32_t> words() const {
    if (!value_.IsTypedArray() || value_.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) refuse(name_, "a Uint32Array");
    const Napi::Uint32Array array = value_.As<Napi::Uint32Array>();
    return {array.Data(), array.Data() + array.ElementLength()};
  }

 private:
  Napi::Value value_;
  std::string name_;
};

FileRange read_range(const Option& option, uint64_t most_bytes = limits::largest_offset) {
  FileRange range{option.member("path").path(), option.member("offset").integer(0, limits::largest_offset),
                  option.member("length").integer(0, most_bytes)};
  if (range.offset + range.length > limits::largest_offset) refuse(option.name(), "within a file of at most 2^53 bytes");
  return range;
}

Blocking read_blocking(const Option& option, uint64_t raw_length, const std::string& length_name) {
  const auto element = static_cast<Element>(option.member("element").integer(1, 10));
  const auto block_log2 = static_cast<unsigned>(option.member("blockLog2").integer(limits::smallest_block_log2, limits::largest_block_log2));
  const Blocking blocking{element, block_log2, raw_length};
  if (blocking.block_bytes() > limits::largest_block_bytes) refuse(option.member("blockLog2").name(), "small enough for blocks of at most 16 MiB");
  if (raw_length % width_of(element) != 0) refuse(length_name, "a multiple of the element's width");
  return blocking;
}

Method read_method(const Option& option) {
  const std::string name = option.text();
  if (name == "cairn") return Method::cairn;
  if (name == "lmc") return Method::lmc;
  refuse(option.name(), "\"cairn\" or \"lmc\"");
}

StoredBlocks read_stored(const Option& option, unsigned depth);

// Which roles an element's content may need besides a base.
bool may_need(Element element, Role role) {
  const bool half = element == Element::float16 || element == Element::bfloat16;
  return role == Role::base || (role == Role::master && half) || (role == Role::second_moment && element == Element::float32);
}

bool same_blocking(const Blocking& a, const Blocking& b) {
  return a.element == b.element && a.block_log2 == b.block_log2 && a.raw_length == b.raw_length;
}

RawSource read_source(const Option& option, const Blocking& blocking, unsigned depth) {
  const Option file = option.member("file");
  const Option stored = option.member("stored");
  if (file.is_absent() == stored.is_absent()) refuse(option.name(), "either {file} or {stored}");
  RawSource source;
  if (!file.is_absent()) {
    source.file = read_range(file);
    if (source.file.length != blocking.raw_length) refuse(file.name() + ".length", "the length that what needs it asks for");
    return source;
  }
  source.stored = std::make_unique<StoredBlocks>(read_stored(stored, depth + 1));
  if (!same_blocking(source.stored->blocking, blocking)) refuse(stored.name(), "of the element, block size and length that what needs it asks for");
  return source;
}

std::vector<Need> read_needs(const Option& option, const Blocking& blocking, unsigned depth) {
  std::vector<Need> needs;
  for (const Option& need : option.list()) {
    const Option member = need.member("role");
    const auto role = static_cast<Role>(member.integer(1, static_cast<uint64_t>(Role::second_moment)));
    if (!may_need(blocking.element, role)) refuse(member.name(), "one that this element has");
    for (const Need& other : needs) {
      if (other.role == role) refuse(option.name(), "a list with each role once");
    }
    needs.push_back({role, read_source(need.member("source"), needed_blocking(blocking, role), depth)});
  }
  return needs;
}

StoredBlocks read_stored(const Option& option, unsigned depth) {
  if (depth > limits::deepest_chain) {
    throw Failure(Code::unsupported, "a chain of more than 64 deltas: this version doesn't read it; verify the store");
  }
  const Option raw_length = option.member("rawLength");
  StoredBlocks blocks;
  blocks.path = option.member("path").path();
  blocks.blocking = read_blocking(option, raw_length.integer(0, limits::most_piece_bytes), raw_length.name());
  blocks.lengths = option.member("lengths").words();
  blocks.checksums = option.member("checksums").words();
  if (blocks.lengths.size() != blocks.blocking.count()) refuse(option.member("lengths").name(), "of one entry a block");
  if (blocks.checksums.size() != blocks.blocking.count()) refuse(option.member("checksums").name(), "of one entry a block");
  uint64_t offset = option.member("offset").integer(0, limits::largest_offset);
  blocks.offsets.reserve(blocks.lengths.size());
  for (size_t i = 0; i < blocks.lengths.size(); ++i) {
    if (blocks.lengths[i] < 1 || blocks.lengths[i] > blocks.blocking.length_of(i) + 1) {
      refuse(option.member("lengths").name() + "[" + std::to_string(i) + "]", "from 1 to the block's original length and 1");
    }
    blocks.offsets.push_back(offset);
    offset += blocks.lengths[i];
  }
  blocks.needs = read_needs(option.member("needs"), blocks.blocking, depth);
  return blocks;
}

// A piece is a subtree of its content's hash tree: it starts at a multiple of the power of two that holds it.
uint64_t read_first_chunk(const Option& request, uint64_t raw_length, bool whole) {
  const Option option = request.member("firstChunk");
  const uint64_t first = option.integer(0, limits::largest_offset / digest_chunk_bytes);
  if (whole) {
    if (first != 0) refuse(option.name(), "0 where the piece is whole");
    return 0;
  }
  if (raw_length == 0) refuse(option.name(), "of a piece that is not empty");
  uint64_t span = 1;
  while (span * digest_chunk_bytes < raw_length) span *= 2;
  if (first % span != 0) refuse(option.name(), "a multiple of " + std::to_string(span) + " for a piece of this length");
  return first;
}

EncodeItem read_encode_item(const Option& option) {
  EncodeItem item;
  item.source = read_range(option.member("source"), limits::most_piece_bytes);
  item.blocking = read_blocking(option, item.source.length, option.name() + ".source.length");
  item.method = read_method(option.member("method"));
  item.needs = read_needs(option.member("needs"), item.blocking, 0);
  item.whole = option.member("whole").boolean();
  item.first_chunk = read_first_chunk(option, item.source.length, item.whole);
  const Option columns = option.member("columns");
  item.columns = columns.is_absent() ? 0 : static_cast<uint32_t>(columns.integer(1, UINT32_MAX));
  item.first_column = columns.is_absent() ? 0 : static_cast<uint32_t>(option.member("firstColumn").integer(0, item.columns - 1));
  return item;
}

std::vector<FileRange> read_ranges(const Option& option) {
  std::vector<FileRange> ranges;
  for (const Option& range : option.list()) ranges.push_back(read_range(range));
  return ranges;
}

uint64_t total_length(const std::vector<FileRange>& ranges, const std::string& name) {
  uint64_t total = 0;
  for (const FileRange& range : ranges) {
    total += range.length;
    if (total > limits::largest_offset) refuse(name, "of at most 2^53 bytes together");
  }
  return total;
}

DecodeItem read_decode_item(const Option& option) {
  DecodeItem item;
  item.blocks = read_stored(option.member("blocks"), 0);
  item.whole = option.member("whole").boolean();
  const uint64_t raw_length = item.blocks.blocking.raw_length;
  item.first_chunk = read_first_chunk(option, raw_length, item.whole);
  const Option target = option.member("target");
  if (target.is_absent()) return item;
  item.target = read_ranges(target);
  if (total_length(item.target, target.name()) != raw_length) refuse(target.name(), "of " + std::to_string(raw_length) + " bytes together");
  return item;
}

}  // namespace

std::vector<EncodeItem> read_encode_items(const Napi::Value& request) {
  const Option list = Option(request, "request").member("items");
  std::vector<EncodeItem> items;
  uint64_t total = 0;
  for (const Option& option : list.list()) {
    items.push_back(read_encode_item(option));
    total += items.back().source.length;
    if (total > limits::most_request_bytes) refuse(list.name(), "of at most 4 GiB together");
  }
  return items;
}

std::vector<DecodeItem> read_decode_items(const Napi::Value& request) {
  std::vector<DecodeItem> items;
  for (const Option& option : Option(request, "request").member("items").list()) items.push_back(read_decode_item(option));
  return items;
}

DigestRequest read_digest_request(const Napi::Value& value) {
  const Option option(value, "request");
  DigestRequest request;
  request.ranges = read_ranges(option.member("ranges"));
  request.whole = option.member("whole").boolean();
  request.first_chunk = read_first_chunk(option, total_length(request.ranges, "ranges"), request.whole);
  return request;
}

WriteRequest read_write_request(const Napi::Value& value) {
  const Option option(value, "request");
  WriteRequest request;
  request.slot = read_slot_number(option.member("slot").value());
  request.path = option.member("path").path();
  for (const Option& piece : option.member("pieces").list()) {
    request.pieces.push_back({piece.member("slotOffset").integer(0, limits::largest_offset), piece.member("length").integer(0, limits::largest_offset),
                              piece.member("fileOffset").integer(0, limits::largest_offset)});
  }
  return request;
}

std::vector<AnalyseItem> read_analyse_items(const Napi::Value& request) {
  std::vector<AnalyseItem> items;
  for (const Option& option : Option(request, "request").member("items").list()) {
    AnalyseItem item;
    item.element = static_cast<Element>(option.member("element").integer(1, 10));
    item.sources = read_ranges(option.member("sources"));
    const Option bases = option.member("bases");
    if (!bases.is_absent()) item.bases = read_ranges(bases);
    if (!bases.is_absent() && item.bases.size() != item.sources.size()) refuse(bases.name(), "as many as the sources");
    for (size_t i = 0; i < item.sources.size(); ++i) {
      if (item.sources[i].length % width_of(item.element) != 0) refuse(option.member("sources").name(), "multiples of the element's width");
      if (!item.bases.empty() && item.bases[i].length != item.sources[i].length) refuse(bases.name(), "as long as the sources");
    }
    items.push_back(std::move(item));
  }
  return items;
}

BenchItem read_bench_item(const Napi::Value& value) {
  const Option option(value, "request");
  const Option base = option.member("base");
  const Option implementation = option.member("implementation");
  BenchItem item{};
  item.source = read_range(option.member("source"), limits::most_bench_bytes);
  item.has_base = !base.is_absent();
  if (item.has_base) item.base = read_range(base, limits::most_bench_bytes);
  if (item.has_base && item.base.length != item.source.length) refuse("base.length", "the length of the source");
  item.blocking = read_blocking(option, item.source.length, "source.length");
  item.method = read_method(option.member("method"));
  item.implementation = kernels_named(implementation.text().c_str());
  if (item.implementation == nullptr) refuse(implementation.name(), "one of about().implementations");
  item.rounds = static_cast<uint32_t>(option.member("rounds").integer(1, limits::most_rounds));
  return item;
}

CancelFlag read_cancel(const Napi::Value& request) {
  const Option option = Option(request, "request").member("cancel");
  // Not through Napi::Int32Array: that asks for the ArrayBuffer, which shared memory isn't.
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* memory = nullptr;
  if (option.value().IsTypedArray()) {
    napi_get_typedarray_info(option.value().Env(), option.value(), &type, &length, &memory, nullptr, nullptr);
  }
  if (type != napi_int32_array || length < 1 || memory == nullptr) refuse(option.name(), "an Int32Array of at least one element");
  return CancelFlag(static_cast<const int32_t*>(memory));
}

uint32_t read_slot_number(const Napi::Value& value) { return static_cast<uint32_t>(Option(value, "slot").integer(1, UINT32_MAX)); }

uint64_t read_count(const Napi::Value& value, const char* name, uint64_t most) { return Option(value, name).integer(0, most); }

Bytes read_bytes(const Napi::Value& value, const std::string& name) {
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* memory = nullptr;
  if (value.IsTypedArray()) napi_get_typedarray_info(value.Env(), value, &type, &length, &memory, nullptr, nullptr);
  if (type != napi_uint8_array) refuse(name, "a Uint8Array");
  return {static_cast<const uint8_t*>(memory), length};
}

std::vector<Bytes> read_byte_list(const Napi::Value& value) {
  std::vector<Bytes> list;
  for (const Option& option : Option(value, "bytes").list()) list.push_back(read_bytes(option.value(), option.name()));
  return list;
}

}  // namespace cairn
