#include "rl/mlp.hpp"

#include "rl/linear_algebra.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

// Layer l maps x (its input, [n, inputs]) to h = relu(x W' + b), the last without relu. With d the gradient of the loss before the relu,
//   d_{l-1} = (d_l W_l) where h_{l-1} > 0,   dL/dW_l = d_l' x_l,   dL/db_l = sum of the rows of d_l.
// One example's gradient of W_l is the outer product of a row of d_l and one of x_l, so its norm is the product of theirs.

namespace gridfed {

void Mlp::forward(std::span<const float> input, std::int64_t rows, MlpPass& pass) const {
  assert(input.size() == static_cast<std::size_t>(rows * layers_.front().inputs));
  pass.rows = rows;
  pass.input = input;
  pass.activations.resize(layers_.size());
  pass.deltas.resize(layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSlice& layer = layers_[l];
    auto& h = pass.activations[l];
    h.resize(static_cast<std::size_t>(rows * layer.outputs));
    pass.deltas[l].resize(h.size());
    multiply(as_matrix(std::span(h), rows, layer.outputs), as_matrix(layer_input(pass, l), rows, layer.inputs),
             as_matrix(weights(layer), layer.outputs, layer.inputs).transposed());
    const float floor = l + 1 < layers_.size() ? 0.0F : -std::numeric_limits<float>::infinity();
    const float* b = biases(layer).data();
    for (std::int64_t i = 0; i < rows; ++i) {
      float* row = h.data() + i * layer.outputs;
      for (std::int64_t j = 0; j < layer.outputs; ++j) {
        const float x = row[j] + b[j];
        row[j] = x < floor ? floor : x;  // keeps NaN
      }
    }
  }
}

void Mlp::backward(MlpPass& pass) const {
  for (std::size_t l = layers_.size() - 1; l > 0; --l) {
    const LayerSlice& layer = layers_[l];
    auto& below = pass.deltas[l - 1];
    multiply(as_matrix(std::span(below), pass.rows, layer.inputs),
             as_matrix(std::span<const float>(pass.deltas[l]), pass.rows, layer.outputs),
             as_matrix(weights(layer), layer.outputs, layer.inputs));
    const float* h = pass.activations[l - 1].data();
    float* d = below.data();
    for (std::size_t i = 0; i < below.size(); ++i) d[i] = h[i] > 0.0F ? d[i] : 0.0F;
  }
}

void Mlp::input_gradient(const MlpPass& pass, std::int64_t first, std::int64_t count, std::span<float> gradient) const {
  const LayerSlice& layer = layers_.front();
  multiply(as_matrix(gradient, pass.rows, count), as_matrix(std::span<const float>(pass.deltas.front()), pass.rows, layer.outputs),
           as_matrix(weights(layer), layer.outputs, layer.inputs).columns(first, count));
}

void Mlp::write_gradient(const MlpPass& pass, std::span<float> gradient) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSlice& layer = layers_[l];
    const auto delta = std::span<const float>(pass.deltas[l]);
    if (layer.inputs > 0) {
      multiply(as_matrix(gradient.subspan(layer.offset, layer.weight_count()), layer.outputs, layer.inputs),
               as_matrix(delta, pass.rows, layer.outputs).transposed(), as_matrix(layer_input(pass, l), pass.rows, layer.inputs));
    }
    float* bias = gradient.data() + layer.offset + layer.weight_count();
    std::fill_n(bias, layer.outputs, 0.0F);
    for (std::int64_t i = 0; i < pass.rows; ++i) add_scaled(bias, 1.0F, delta.data() + i * layer.outputs, layer.outputs);
  }
}

void Mlp::add_squared_norms(const MlpPass& pass, std::span<float> squared_norms) const {
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSlice& layer = layers_[l];
    const float* x = layer_input(pass, l).data();
    const float* d = pass.deltas[l].data();
    for (std::int64_t i = 0; i < pass.rows; ++i, x += layer.inputs, d += layer.outputs) {
      squared_norms[static_cast<std::size_t>(i)] += (dot(x, x, layer.inputs) + 1.0F) * dot(d, d, layer.outputs);
    }
  }
}

void scale_rows(MlpPass& pass, std::span<const float> weights) {
  for (auto& delta : pass.deltas) {
    const std::size_t width = weights.empty() ? 0 : delta.size() / weights.size();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      for (std::size_t j = 0; j < width; ++j) delta[i * width + j] = weights[i] > 0.0F ? weights[i] * delta[i * width + j] : 0.0F;
    }
  }
}

}  // namespace gridfed
