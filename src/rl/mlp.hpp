#pragma once

#include "rl/layout.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// What one batch leaves behind in a network on its way forward and back; storage grows once and is reused.
struct MlpPass {
  std::int64_t rows = 0;
  std::span<const float> input;                 ///< [rows, inputs], not owned
  std::vector<std::vector<float>> activations;  ///< [layer][rows, outputs], after the ReLU; the last layer's are linear
  std::vector<std::vector<float>> deltas;       ///< [layer][rows, outputs], gradient before the ReLU

  std::span<const float> output() const { return activations.back(); }
  std::span<float> output_delta() { return deltas.back(); }
};

/// Fully connected network with ReLU hidden layers, differentiated by hand. Its parameters are a view into a flat buffer, and gradients
/// are written to another of the same layout.
class Mlp {
 public:
  Mlp(std::vector<LayerSlice> layers, std::span<const float> parameters) : layers_(std::move(layers)), parameters_(parameters) {}

  void forward(std::span<const float> input, std::int64_t rows, MlpPass& pass) const;
  /// From pass.output_delta() to the deltas of all layers.
  void backward(MlpPass& pass) const;
  /// Gradient with respect to input columns [first, first + count), [rows, count]; after backward.
  void input_gradient(const MlpPass& pass, std::int64_t first, std::int64_t count, std::span<float> gradient) const;
  /// Sum over the rows of every layer's gradient, written at the layers' places; after backward.
  void write_gradient(const MlpPass& pass, std::span<float> gradient) const;
  /// Adds each row's squared gradient norm over all parameters without forming it: sum over layers of (|input|^2 + 1) |delta|^2
  /// (Goodfellow, 2015, arXiv:1510.01799).
  void add_squared_norms(const MlpPass& pass, std::span<float> squared_norms) const;

  std::span<const LayerSlice> layers() const { return layers_; }
  std::span<const float> weights(const LayerSlice& layer) const { return parameters_.subspan(layer.offset, layer.weight_count()); }
  std::span<const float> biases(const LayerSlice& layer) const {
    return parameters_.subspan(layer.offset + layer.weight_count(), static_cast<std::size_t>(layer.outputs));
  }

 private:
  std::span<const float> layer_input(const MlpPass& pass, std::size_t layer) const {
    return layer == 0 ? pass.input : std::span<const float>(pass.activations[layer - 1]);
  }
  std::vector<LayerSlice> layers_;
  std::span<const float> parameters_;
};

/// Multiplies each row's gradient by its weight (0 drops even a row that is not finite): the gradient written after is a weighted sum.
void scale_rows(MlpPass& pass, std::span<const float> weights);

}  // namespace gridfed
