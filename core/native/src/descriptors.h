// Reads the records of core/codec/binding.ts into plain structs (request.h), each member checked: a wrong one fails with
// `bad_request` and the name of the option, for instance "items[2].source.offset: must be ...".
#pragma once

#include <napi.h>

#include "analyse.h"
#include "bench.h"
#include "request.h"

namespace cairn {

struct WritePiece {
  uint64_t slot_offset;
  uint64_t length;
  uint64_t file_offset;
};

struct WriteRequest {
  uint32_t slot;
  std::string path;
  std::vector<WritePiece> pieces;
};

struct DigestRequest {
  std::vector<FileRange> ranges;
  uint64_t first_chunk;
  bool whole;
};

std::vector<EncodeItem> read_encode_items(const Napi::Value& request);
std::vector<DecodeItem> read_decode_items(const Napi::Value& request);
DigestRequest read_digest_request(const Napi::Value& request);
WriteRequest read_write_request(const Napi::Value& request);
BenchItem read_bench_item(const Napi::Value& request);
std::vector<AnalyseItem> read_analyse_items(const Napi::Value& request);

// The request's `cancel`. It stays alive as long as the request does.
CancelFlag read_cancel(const Napi::Value& request);

uint32_t read_slot_number(const Napi::Value& value);
uint64_t read_count(const Napi::Value& value, const char* name, uint64_t most);

struct Bytes {
  const uint8_t* data;
  size_t length;
};
Bytes read_bytes(const Napi::Value& value, const std::string& name);
std::vector<Bytes> read_byte_list(const Napi::Value& value);

}  // namespace cairn
