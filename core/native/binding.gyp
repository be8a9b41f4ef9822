{
  # One static library an instruction set, each with its own -m flags; every source is named here.
  # Code in the libraries of src/simd/avx2_* and avx512_* must not instantiate inline library templates: the linker keeps one copy
  # of each, and could keep the one that only newer machines can run.
  "target_defaults": {
    "default_configuration": "Release",
    "cflags!": ["-fno-exceptions", "-O2"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++20", "-std=gnu++17", "-O2"],
    "cflags": ["-O3", "-fvisibility=hidden", "-fPIC"],
    "cflags_cc": ["-std=c++17", "-fexceptions", "-frtti", "-Wall", "-Wextra"],
    "include_dirs": ["src"],
    "xcode_settings": {
      "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
      "GCC_ENABLE_CPP_RTTI": "YES",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "MACOSX_DEPLOYMENT_TARGET": "13.5",
    },
    # On Windows by clang, as Node itself is built: the code uses builtins and flags of GCC and clang.
    "msbuild_toolset": "ClangCL",
    "msvs_settings": {
      "VCCLCompilerTool": {"ExceptionHandling": 1, "RuntimeTypeInfo": "true", "Optimization": 2, "AdditionalOptions": ["/std:c++17"]},
    },
  },
  "variables": {
    "codec_sources": [
      "src/codecs/choose.cc",
      "src/codecs/choose_delta.cc",
      "src/codecs/codec.cc",
      "src/codecs/conditioned.cc",
      "src/codecs/conditioned_differences.cc",
      "src/codecs/conditioned_head.cc",
      "src/codecs/conditioned_parts.cc",
      "src/codecs/conditioned_patches.cc",
      "src/codecs/conditioned_plan.cc",
      "src/codecs/conditioned_planes.cc",
      "src/codecs/conditioned_tables.cc",
      "src/codecs/conditioned_unparting.cc",
      "src/codecs/entropy.cc",
      "src/codecs/huffman.cc",
      "src/codecs/lmc.cc",
      "src/codecs/moment.cc",
      "src/codecs/plain.cc",
      "src/codecs/plane.cc",
      "src/codecs/plane_counts.cc",
      "src/codecs/plane_parts.cc",
      "src/codecs/planes.cc",
      "src/codecs/predicted_planes.cc",
      "src/codecs/prefix_code.cc",
      "src/codecs/registry.cc",
      "src/codecs/rounded.cc",
      "src/codecs/rows.cc",
      "src/codecs/zero_runs.cc",
    ],
    "scalar_sources": [
      "src/simd/scalar_checksum.cc",
      "src/simd/scalar_conditioned.cc",
      "src/simd/scalar_digest.cc",
      "src/simd/scalar_huffman.cc",
      "src/simd/scalar_planes.cc",
    ],
    "avx2_sources": [
      "src/simd/avx2_checksum.cc",
      "src/simd/avx2_conditioned.cc",
      "src/simd/avx2_digest.cc",
      "src/simd/avx2_huffman.cc",
      "src/simd/avx2_planes.cc",
    ],
    "avx512_sources": [
      "src/simd/avx512_conditioned.cc",
      "src/simd/avx512_digest.cc",
      "src/simd/avx512_huffman.cc",
      "src/simd/avx512_planes.cc",
    ],
    "neon_sources": [
      "src/simd/neon_checksum.cc",
      "src/simd/neon_digest.cc",
      "src/simd/neon_huffman.cc",
      "src/simd/neon_planes.cc",
    ],
    "avx2_flags": ["-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt", "-mfma"],
    "avx512_flags": [
      "-mavx2", "-mbmi", "-mbmi2", "-mlzcnt", "-mpopcnt", "-mfma", "-mprefer-vector-width=512",
      "-mavx512f", "-mavx512cd", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vbmi", "-mavx512vbmi2", "-mavx512vpopcntdq",
      "-Wno-uninitialized", "-Wno-maybe-uninitialized",  # GCC 12 reports its own intrinsics
    ],
    "neon_flags": ["-march=armv8-a+crc"],
    "core_sources": [
      "src/base/digest.cc",
      "src/base/failure.cc",
      "src/base/file.cc",
      "src/base/scratch.cc",
      "src/base/slots.cc",
      "src/simd/dispatch.cc",
    ],
    "addon_sources": [
      "src/addon.cc",
      "src/analyse.cc",
      "src/bench.cc",
      "src/binding.cc",
      "src/decode.cc",
      "src/descriptors.cc",
      "src/encode.cc",
      "src/source.cc",
    ],
    "posix_sources": ["src/system/posix.cc"],
    "win32_sources": ["src/system/win32.cc"],
  },
  "targets": [
    {
      "target_name": "cairn_core",
      "type": "static_library",
      "sources": ["<@(core_sources)", "<@(codec_sources)", "<@(scalar_sources)"],
      "conditions": [
        ["OS == 'win'", {"sources": ["<@(win32_sources)"]}, {"sources": ["<@(posix_sources)"]}],
      ],
    },
    {
      "target_name": "cairn",
      "dependencies": [
        "cairn_core",
        "<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except",
      ],
      "defines": ["NAPI_VERSION=9", "NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED"],
      "sources": ["<@(addon_sources)"],
      "conditions": [
        ["target_arch == 'x64'", {"dependencies": ["cairn_avx2", "cairn_avx512"]}],
        ["target_arch == 'arm64'", {"dependencies": ["cairn_neon"]}],
        # Slots and per-thread memory belong to the process: stay loaded when the last thread with an environment ends.
        ["OS == 'linux'", {"ldflags": ["-Wl,-z,nodelete"]}],
      ],
    },
  ],
  "conditions": [
    ["target_arch == 'x64'", {
      "targets": [{
        "target_name": "cairn_avx2",
        "type": "static_library",
        "sources": ["<@(avx2_sources)"],
        "cflags": ["<@(avx2_flags)"],
        "xcode_settings": {"OTHER_CFLAGS": ["<@(avx2_flags)"]},
        "msvs_settings": {"VCCLCompilerTool": {"AdditionalOptions": ["<@(avx2_flags)"]}},
      }, {
        "target_name": "cairn_avx512",
        "type": "static_library",
        "sources": ["<@(avx512_sources)"],
        "cflags": ["<@(avx512_flags)"],
        "xcode_settings": {"OTHER_CFLAGS": ["<@(avx512_flags)"]},
        "msvs_settings": {"VCCLCompilerTool": {"AdditionalOptions": ["<@(avx512_flags)"]}},
      }],
    }],
    ["target_arch == 'arm64'", {
      "targets": [{
        "target_name": "cairn_neon",
        "type": "static_library",
        "sources": ["<@(neon_sources)"],
        "cflags": ["<@(neon_flags)"],
        "xcode_settings": {"OTHER_CFLAGS": ["<@(neon_flags)"]},
        "msvs_settings": {"VCCLCompilerTool": {"AdditionalOptions": ["<@(neon_flags)"]}},
      }],
    }],
  ],
}
