#include "codecs/registry.h"

#include "codecs/conditioned.h"
#include "codecs/lmc.h"
#include "codecs/moment.h"
#include "codecs/plain.h"
#include "codecs/planes.h"
#include "codecs/rounded.h"
#include "codecs/rows.h"

namespace cairn {

namespace {

const Codec codecs[codec_count] = {
    {"raw", encode_raw, decode_raw, Role::none},
    {"constant", encode_constant, decode_constant, Role::none},
    {"unchanged", encode_unchanged, decode_unchanged, Role::base},
    {"zstd", nullptr, nullptr, Role::none},
    {"planes", encode_planes, decode_planes, Role::none},
    {"xor-planes", encode_xor_planes, decode_xor_planes, Role::base},
    {"lmc", encode_lmc, decode_lmc, Role::none},
    {"lmc-xor", encode_lmc_xor, decode_lmc_xor, Role::base},
    {"conditioned", encode_conditioned, decode_conditioned, Role::base},
    {"difference-planes", encode_difference_planes, decode_difference_planes, Role::base},
    {"rounded", encode_rounded, decode_rounded, Role::master},
    {"moment", encode_moment, decode_moment, Role::second_moment},
    {"rows", encode_rows, decode_rows, Role::none},
    {"rows-base", encode_rows_base, decode_rows_base, Role::base},
    {"conditioned-parts", encode_conditioned_parts, decode_conditioned_parts, Role::base},
};

}  // namespace

const Codec* find_codec(uint8_t id) { return id < codec_count ? &codecs[id] : nullptr; }

}  // namespace cairn
