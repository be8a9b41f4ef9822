// Chooses the table of kernels once per process. Order: each table here is better than the one before.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "simd/kernels.h"

namespace cairn {

namespace {

Kernels scalar_table() {
  Kernels table{};
  table.name = "scalar";
  add_scalar_digest(table);
  add_scalar_checksum(table);
  add_scalar_huffman(table);
  add_scalar_planes(table);
  add_scalar_conditioned(table);
  return table;
}

#if defined(__x86_64__)
Kernels avx2_table() {
  Kernels table = scalar_table();
  table.name = "avx2";
  add_avx2_digest(table);
  add_avx2_checksum(table);
  add_avx2_huffman(table);
  add_avx2_planes(table);
  add_avx2_conditioned(table);
  return table;
}

// Asked of the processor itself: clang's builtin knows no "lzcnt" before version 18.
bool has_lzcnt() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_LZCNT) != 0;
}

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_lzcnt() &&
         __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("fma");
}

Kernels avx512_table() {
  Kernels table = avx2_table();
  table.name = "avx512";
  add_avx512_digest(table);
  add_avx512_huffman(table);
  add_avx512_conditioned(table);
  add_avx512_planes(table);
  return table;
}

// Ice Lake and Zen 4 have all of these. The builtin asks the system, too, whether it keeps the wide registers.
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

#if defined(__aarch64__)
Kernels neon_table() {
  Kernels table = scalar_table();
  table.name = "neon";
  add_neon_digest(table);
  add_neon_checksum(table);
  add_neon_huffman(table);
  add_neon_planes(table);
  return table;
}
#endif

struct Tables {
  std::vector<Kernels> list;
  std::vector<const char*> names;

  Tables() {
    list.push_back(scalar_table());
#if defined(__x86_64__)
    if (has_avx2()) list.push_back(avx2_table());
    if (has_avx512()) list.push_back(avx512_table());
#endif
#if defined(__aarch64__)
    list.push_back(neon_table());
#endif
    for (const Kernels& table : list) names.push_back(table.name);
    names.push_back(nullptr);
  }
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

const Kernels& chosen_table() {
  const char* const wanted = std::getenv("CAIRN_IMPLEMENTATION");
  if (wanted == nullptr || *wanted == '\0') return tables().list.back();
  if (const Kernels* const table = kernels_named(wanted)) return *table;
  std::string message = std::string("CAIRN_IMPLEMENTATION=") + wanted + ": not available on this machine; choose one of:";
  for (const Kernels& table : tables().list) message += std::string(" ") + table.name;
  throw std::runtime_error(message);
}

thread_local const Kernels* forced = nullptr;

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = chosen_table();
  return forced == nullptr ? chosen : *forced;
}

const Kernels* kernels_named(const char* name) {
  for (const Kernels& table : tables().list) {
    if (std::strcmp(table.name, name) == 0) return &table;
  }
  return nullptr;
}

const char* const* kernel_names() { return tables().names.data(); }

void force_kernels(const Kernels* table) { forced = table; }

}  // namespace cairn
