// The same targets for clang's libFuzzer: -fsanitize=fuzzer,address,undefined in place of driver.cc.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
  cairn::fuzz::Case from;
  if (!cairn::fuzz::read_case(bytes, length, from)) return 0;
  cairn::fuzz::check_decoders(from);
  cairn::fuzz::check_encoders(from);
  return 0;
}
