#include "codecs/codec.h"

namespace cairn {

size_t width_of(Element element) {
  switch (element) {
    case Element::bytes8:
    case Element::float8e4m3:
    case Element::float8e5m2:
      return 1;
    case Element::int16:
    case Element::float16:
    case Element::bfloat16:
      return 2;
    case Element::int32:
    case Element::float32:
      return 4;
    case Element::int64:
    case Element::float64:
      return 8;
  }
  return 0;
}

}  // namespace cairn
