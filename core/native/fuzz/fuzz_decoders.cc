// libFuzzer's entry to every decoder: the first byte chooses it.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
  cairn::fuzz::Case from;
  if (cairn::fuzz::read_case(bytes, length, from)) cairn::fuzz::check_decoders(from);
  return 0;
}
