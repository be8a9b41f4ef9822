// libFuzzer's entry to the choice of codecs, by every implementation.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
  cairn::fuzz::Case from;
  if (cairn::fuzz::read_case(bytes, length, from)) cairn::fuzz::check_choice(from);
  return 0;
}
