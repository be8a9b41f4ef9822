// The addon's entry: once per environment (main thread or worker) that loads it.
#include <napi.h>

#include <exception>

#include "binding.h"
#include "simd/kernels.h"

static Napi::Object load_addon(Napi::Env env, Napi::Object exports) {
  try {
    cairn::kernels();  // a wrong CAIRN_IMPLEMENTATION is an error here, not in the middle of work
  } catch (const std::exception& thrown) {
    throw Napi::Error::New(env, thrown.what());
  }
  cairn::export_functions(exports);
  return exports;
}

NODE_API_MODULE(cairn, load_addon)
