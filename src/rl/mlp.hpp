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
  std::vector<float> fan_deltas;                ///< first layer's deltas summed over each state's actions, scratch of a fan

  std::span<const float> output() const { return activations.back(); }
  std::span<float> output_delta() { return deltas.back(); }
};

/// Fully connected network with ReLU hidden layers, differentiated by hand. Its parameters are a view into a flat buffer, and gradients
/// are written to another of the same layout.
class Mlp {
 public:
  Mlp(std::vector<LayerSlice> layers, std::span<const float> parameters) : layers_(std::move(layers)), parameters_(parameters) {}

  void forward(std::span<const float> input, std::int64_t rows, MlpPass& pass) const;

  /// For a critic of [state | action] that sees many actions in each state. The states' part of the first layer, bias included:
  /// projected [rows, outputs of the first layer] from states [rows, inputs - action size].
  void project_states(std::span<const float> states, std::int64_t rows, std::span<float> projected) const;
  /// forward on actions [states * fan, action size], the fan actions of a state next to each other, given the states' projection.
  void forward_fan(std::span<const float> projected, std::span<const float> actions, std::int64_t fan, MlpPass& pass) const;
  /// Adds the sum over the rows of a fan's pass to the gradient, at the layers' places; after backward.
  void add_fan_gradient(MlpPass& pass, std::span<const float> states, std::int64_t fan, std::span<float> gradient) const;

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
  void size_pass(std::int64_t rows, std::span<const float> input, MlpPass& pass) const;
  void activate(MlpPass& pass, std::size_t layer) const;
  void forward_from(std::size_t first_layer, MlpPass& pass) const;
  std::span<const float> layer_input(const MlpPass& pass, std::size_t layer) const {
    return layer == 0 ? pass.input : std::span<const float>(pass.activations[layer - 1]);
  }
  std::vector<LayerSlice> layers_;
  std::span<const float> parameters_;
};

/// Multiplies each row's gradient by its weight (0 drops even a row that is not finite): the gradient written after is a weighted sum.
void scale_rows(MlpPass& pass, std::span<const float> weights);

}  // namespace gridfed
