// Runs the targets on mutations of valid encodings, where libFuzzer isn't at hand: driver SEED EXECUTIONS [FILE...].
// A FILE is a case that failed once. Says how many executions were accepted; the case that fails is left in `failed.case`.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "codecs/registry.h"
#include "targets.h"

using namespace cairn;
using namespace cairn::fuzz;

namespace {

using Random = std::mt19937_64;

size_t below(Random& random, size_t bound) { return static_cast<size_t>(random() % bound); }

uint16_t some_length(Random& random) {
  static const uint16_t edges[] = {1, 2, 7, 63, 64, 65, 127, 128, 511, 512, 2047, 2048, 2049, 4096, 16383, 20000};
  return random() % 2 == 0 ? edges[below(random, std::size(edges))] : static_cast<uint16_t>(1 + below(random, 6000));
}

void change_bytes(std::vector<uint8_t>& bytes, Random& random) {
  static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  for (size_t times = 1 + below(random, 4); times > 0 && !bytes.empty(); --times) {
    const size_t near = random() % 2 == 0 && bytes.size() > 96 ? 96 : bytes.size();
    uint8_t& byte = bytes[below(random, near)];
    switch (random() % 3) {
      case 0: byte = extremes[below(random, std::size(extremes))]; break;
      case 1: byte = static_cast<uint8_t>(byte ^ 1u << below(random, 8)); break;
      default: byte = static_cast<uint8_t>(random());
    }
  }
}

void change_length(std::vector<uint8_t>& bytes, Random& random) {
  if (bytes.empty()) return;
  const size_t at = below(random, bytes.size());
  switch (random() % 4) {
    case 0: bytes.resize(at); break;
    case 1: bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at)); break;
    case 2: bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(random())); break;
    default: bytes.insert(bytes.end(), below(random, 16), static_cast<uint8_t>(random()));
  }
}

void mutate(Case& from, Random& random) {
  if (random() % 8 != 0) change_bytes(from.stored, random);
  if (random() % 4 == 0) change_length(from.stored, random);
  if (random() % 16 == 0) from.elements = some_length(random);
  if (random() % 16 == 0) from.element = static_cast<uint8_t>(below(random, 10));
  if (random() % 32 == 0) from.codec = static_cast<uint8_t>(below(random, codec_count));
}

void save(const Case& from) {
  const std::vector<uint8_t> bytes = write_case(from);
  std::ofstream("failed.case", std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// What is being run: written to a file by whatever ends the program, because a file an execution would take most of the time.
const Case* current = nullptr;

void save_current() {
  if (current != nullptr) save(*current);
  current = nullptr;
}

int replay(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Case from;
  if (!read_case(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), from)) return 1;
  check_decoders(from);
  check_encoders(from);
  return 0;
}

}  // namespace

// The sanitizers' own, called before they end the program.
extern "C" void __sanitizer_set_death_callback(void (*callback)());

int main(int count, char** arguments) {
  if (count > 3) return replay(arguments[3]);
  if (count != 3) return std::fprintf(stderr, "usage: driver SEED EXECUTIONS [FILE]\n"), 2;
  Random random(std::strtoull(arguments[1], nullptr, 10));
  __sanitizer_set_death_callback(save_current);
  std::signal(SIGABRT, [](int) { save_current(); });
  const uint64_t executions = std::strtoull(arguments[2], nullptr, 10);
  for (uint64_t done = 0; done < executions;) {
    const auto codec = static_cast<uint8_t>(below(random, codec_count));
    const Case valid = encode_case(codec, static_cast<uint8_t>(below(random, 10)), static_cast<uint8_t>(random()), some_length(random));
    current = &valid;
    check_encoders(valid);
    // Each valid encoding serves for several mutations: making one costs more than decoding it.
    for (int times = 0; times < 16 && done < executions; ++times, ++done) {
      Case mutated = valid;
      mutate(mutated, random);
      current = &mutated;
      check_decoders(mutated);
      current = &valid;
    }
    current = nullptr;
  }
  std::printf("%llu executions, nothing found\n", static_cast<unsigned long long>(executions));
  return 0;
}
