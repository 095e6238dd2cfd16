// policy_probe <policy file> <observation>...: prints the action of the first client's policy, for test_foreign.sh
#include "study/training.hpp"

#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  try {
    const auto policies = gridfed::read_policies(argc > 1 ? argv[1] : "");
    std::vector<float> observation, action(policies.at(0).action_size());
    for (int i = 2; i < argc; ++i) observation.push_back(std::stof(argv[i]));
    policies.at(0).act(observation, action);
    std::cout << fmt::format("{:.9f}\n", fmt::join(action, " "));
  } catch (const std::exception& error) {
    std::cerr << "policy_probe: error: " << error.what() << "\n";
    return 1;
  }
}
