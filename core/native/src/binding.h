// The functions of core/codec/binding.ts. No state of their own: any number of threads may load them.
#pragma once

#include <napi.h>

namespace cairn {

void export_functions(Napi::Object exports);

}  // namespace cairn
