// libFuzzer's entry to the comparison of implementations: scalar against every other that the processor has.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
  cairn::fuzz::Case from;
  if (cairn::fuzz::read_case(bytes, length, from)) cairn::fuzz::check_implementations(from);
  return 0;
}
