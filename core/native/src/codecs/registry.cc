#include "codecs/registry.h"

#include "codecs/conditioned.h"
#include "codecs/lmc.h"
#include "codecs/plain.h"
#include "codecs/planes.h"

namespace cairn {

namespace {

const Codec codecs[codec_count] = {
    {"raw", encode_raw, decode_raw, false},
    {"constant", encode_constant, decode_constant, false},
    {"unchanged", encode_unchanged, decode_unchanged, true},
    {"zstd", nullptr, nullptr, false},
    {"planes", encode_planes, decode_planes, false},
    {"xor-planes", encode_xor_planes, decode_xor_planes, true},
    {"lmc", encode_lmc, decode_lmc, false},
    {"lmc-xor", encode_lmc_xor, decode_lmc_xor, true},
    {"conditioned", encode_conditioned, decode_conditioned, true},
    {"difference-planes", encode_difference_planes, decode_difference_planes, true},
};

}  // namespace

const Codec* find_codec(uint8_t id) { return id < codec_count ? &codecs[id] : nullptr; }

}  // namespace cairn
