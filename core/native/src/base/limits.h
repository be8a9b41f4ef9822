// Every bound on what a descriptor may ask for, and on what is believed of stored bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::limits {

constexpr unsigned smallest_block_log2 = 6;
constexpr unsigned largest_block_log2 = 22;
constexpr size_t largest_block_bytes = size_t{16} << 20;  // elements of a block times their width

constexpr uint64_t largest_offset = uint64_t{1} << 53;     // what a JavaScript number holds exactly
constexpr uint64_t most_piece_bytes = uint64_t{1} << 32;   // original bytes of one item
constexpr uint64_t most_request_bytes = uint64_t{1} << 32; // of all items of one encode
constexpr uint32_t most_items = 1 << 20;                   // of any list in a request
constexpr unsigned deepest_chain = 64;                     // FORMAT.md section 2

constexpr size_t most_slots = 4096;
constexpr uint64_t most_slot_bytes = uint64_t{16} << 30;   // address space of all slots in use
constexpr uint64_t most_idle_bytes = uint64_t{96} << 20;   // resident memory kept for slots to come

constexpr uint32_t most_rounds = 1000;
constexpr uint64_t most_bench_bytes = uint64_t{1} << 30;

}  // namespace cairn::limits
