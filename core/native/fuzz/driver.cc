// Runs all targets on valid and on mutated cases, where libFuzzer isn't at hand:
//   driver run SEED EXECUTIONS          what fails is left in `failed.case`
//   driver decoders|implementations|choice FILE...   runs cases of that target, one after another
//   driver seeds FOLDER                 writes valid cases for a corpus of decoders
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "mutations.h"
#include "targets.h"

using namespace cairn;
using namespace cairn::fuzz;

namespace {

using Target = void (*)(const Case& from);

constexpr int mutations_a_block = 16;
constexpr uint64_t choice_in = 2;  // that many contents: all that may be chosen, by both methods, takes longest

void write_file(const std::string& path, const Case& from) {
  const std::vector<uint8_t> bytes = write_case(from);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// What is being run: written to a file by whatever ends the program, because a file an execution would take most of the time.
const Case* current = nullptr;

void save_current() {
  if (current != nullptr) write_file("failed.case", *current);
  current = nullptr;
}

void check(Target target, const Case& from) {
  current = &from;
  target(from);
  current = nullptr;
}

Case any_contents(Random& random) {
  Case from{static_cast<uint8_t>(below(random, codec_count)), static_cast<uint8_t>(below(random, 10)), static_cast<uint8_t>(random()), some_length(random), {}};
  if (random() % 2 == 0) from.bytes.resize(1 + below(random, 64));
  for (uint8_t& byte : from.bytes) byte = static_cast<uint8_t>(random());
  return from;
}

int run(uint64_t seed, uint64_t executions) {
  Random random(seed);
  for (uint64_t done = 0; done < executions;) {
    const Case contents = any_contents(random);
    check(check_implementations, contents);
    if (++done % choice_in == 0) check(check_choice, contents);
    // Each valid encoding serves for several mutations: making one costs more than decoding it.
    const Case valid = encode_case(contents);
    for (int times = 0; times < mutations_a_block && done < executions; ++times, ++done) {
      Case mutated = valid;
      mutate(mutated, random);
      check(check_decoders, mutated);
    }
  }
  std::printf("%llu executions, nothing found\n", static_cast<unsigned long long>(executions));
  return 0;
}

int replay(Target target, char** paths, int count) {
  for (int i = 0; i < count; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) return std::fprintf(stderr, "%s: can't be read; name files of a corpus or what was left of a finding\n", paths[i]), 1;
    Case from;
    if (read_case(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), from)) check(target, from);
  }
  std::printf("%d cases, nothing found\n", count);
  return 0;
}

// One case for each codec and element, of few elements: the engine finds the way from there, and small cases are fast.
int write_seeds(const std::string& folder) {
  for (uint8_t codec = 0; codec < codec_count; ++codec) {
    for (uint8_t element = 0; element < 10; ++element) {
      for (const uint16_t elements : {65, 600, 3000}) {
        const auto seed = static_cast<uint8_t>(element * 29 + elements);
        const std::string name = std::to_string(codec) + "-" + std::to_string(element) + "-" + std::to_string(elements);
        write_file(folder + "/" + name, encode_case({codec, element, seed, elements, {}}));
      }
    }
  }
  return 0;
}

}  // namespace

// The sanitizers' own, called before they end the program.
extern "C" void __sanitizer_set_death_callback(void (*callback)());

int main(int count, char** arguments) {
  __sanitizer_set_death_callback(save_current);
  std::signal(SIGABRT, [](int) { save_current(); });
  const std::string what = count > 2 ? arguments[1] : "";
  if (what == "run" && count == 4) return run(std::strtoull(arguments[2], nullptr, 10), std::strtoull(arguments[3], nullptr, 10));
  if (what == "decoders") return replay(check_decoders, arguments + 2, count - 2);
  if (what == "implementations") return replay(check_implementations, arguments + 2, count - 2);
  if (what == "choice") return replay(check_choice, arguments + 2, count - 2);
  if (what == "seeds") return write_seeds(arguments[2]);
  return std::fprintf(stderr, "usage: driver run SEED EXECUTIONS | decoders FILE... | implementations FILE... | choice FILE... | seeds FOLDER\n"), 2;
}
