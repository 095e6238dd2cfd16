#include "rl/torchscript.hpp"

#include "runtime/error.hpp"

#include <fmt/format.h>
#include <torch/script.h>

namespace gridfed {

void write_torchscript(const std::filesystem::path& path, const PolicyNetwork& policy) {
  torch::jit::Module module("Policy");
  std::string source = "def forward(self, observation: Tensor) -> Tensor:\n  x = observation\n";
  std::size_t number = 0;
  for (const auto& layer : policy.layers()) {
    const auto tensor = [](const std::vector<float>& values, at::IntArrayRef shape) {
      return torch::from_blob(const_cast<float*>(values.data()), shape).clone();  // from_blob takes no constant, and nothing is written
    };
    module.register_parameter(fmt::format("weights_{}", number), tensor(layer.weights, {layer.rows, layer.cols}), false);
    module.register_parameter(fmt::format("biases_{}", number), tensor(layer.biases, {layer.rows}), false);
    const bool last = number + 1 == policy.layers().size();
    source += fmt::format("  x = torch.{0}(torch.matmul(x, self.weights_{1}.t()) + self.biases_{1})\n", last ? "tanh" : "relu", number);
    ++number;
  }
  const std::filesystem::path part = path.string() + ".part";
  try {
    module.define(source + "  return x\n");
    module.save(part.string());
  } catch (const c10::Error& error) {
    throw Error("cannot write the TorchScript module '{}' ({}): check the folder and its space", path.string(),
                error.what_without_backtrace());
  }
  std::filesystem::rename(part, path);
}

}  // namespace gridfed
