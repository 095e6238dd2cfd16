#include "rl/mlp.hpp"

#include "rl/linear_algebra.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

// Layer l maps x (its input, [n, inputs]) to h = relu(x W' + b), the last without relu. With d the gradient of the loss before the relu,
//   d_{l-1} = (d_l W_l) where h_{l-1} > 0,   dL/dW_l = d_l' x_l,   dL/db_l = sum of the rows of d_l.
// One example's gradient of W_l is the outer product of a row of d_l and one of x_l, so its norm is the product of theirs.

namespace gridfed {

void Mlp::size_pass(std::int64_t rows, std::span<const float> input, MlpPass& pass) const {
  pass.rows = rows;
  pass.input = input;
  pass.activations.resize(layers_.size());
  pass.deltas.resize(layers_.size());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    pass.activations[l].resize(static_cast<std::size_t>(rows * layers_[l].outputs));
    pass.deltas[l].resize(pass.activations[l].size());
  }
}

void Mlp::activate(MlpPass& pass, std::size_t l) const {
  const std::int64_t outputs = layers_[l].outputs;
  const float floor = l + 1 < layers_.size() ? 0.0F : -std::numeric_limits<float>::infinity();
  const float* b = biases(layers_[l]).data();
  for (std::int64_t i = 0; i < pass.rows; ++i) {
    float* row = pass.activations[l].data() + i * outputs;
    for (std::int64_t j = 0; j < outputs; ++j) {
      const float x = row[j] + b[j];
      row[j] = x < floor ? floor : x;  // keeps NaN
    }
  }
}

void Mlp::forward_from(std::size_t first_layer, MlpPass& pass) const {
  for (std::size_t l = first_layer; l < layers_.size(); ++l) {
    const LayerSlice& layer = layers_[l];
    multiply(as_matrix(std::span(pass.activations[l]), pass.rows, layer.outputs), as_matrix(layer_input(pass, l), pass.rows, layer.inputs),
             as_matrix(weights(layer), layer.outputs, layer.inputs).transposed());
    activate(pass, l);
  }
}

void Mlp::forward(std::span<const float> input, std::int64_t rows, MlpPass& pass) const {
  assert(input.size() == static_cast<std::size_t>(rows * layers_.front().inputs));
  size_pass(rows, input, pass);
  forward_from(0, pass);
}

void Mlp::project_states(std::span<const float> states, std::int64_t rows, std::span<float> projected) const {
  const LayerSlice& layer = layers_.front();
  const std::int64_t size = rows > 0 ? static_cast<std::int64_t>(states.size()) / rows : 0;
  const auto b = biases(layer);
  multiply(as_matrix(projected, rows, layer.outputs), as_matrix(states, rows, size),
           as_matrix(weights(layer), layer.outputs, layer.inputs).columns(0, size).transposed());
  for (std::int64_t i = 0; i < rows; ++i) add_scaled(projected.data() + i * layer.outputs, 1.0F, b.data(), layer.outputs);
}

void Mlp::forward_fan(std::span<const float> projected, std::span<const float> actions, std::int64_t fan, MlpPass& pass) const {
  const LayerSlice& layer = layers_.front();
  const std::int64_t rows = static_cast<std::int64_t>(projected.size()) / layer.outputs * fan;
  const std::int64_t action_size = rows > 0 ? static_cast<std::int64_t>(actions.size()) / rows : 0;
  size_pass(rows, actions, pass);
  float* h = pass.activations.front().data();
  multiply(as_matrix(std::span(pass.activations.front()), rows, layer.outputs), as_matrix(actions, rows, action_size),
           as_matrix(weights(layer), layer.outputs, layer.inputs).columns(layer.inputs - action_size, action_size).transposed());
  const float floor = layers_.size() > 1 ? 0.0F : -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < rows; ++i, h += layer.outputs) {
    const float* state = projected.data() + i / fan * layer.outputs;
    for (std::int64_t j = 0; j < layer.outputs; ++j) {
      const float x = h[j] + state[j];
      h[j] = x < floor ? floor : x;
    }
  }
  forward_from(1, pass);
}

void Mlp::add_fan_gradient(MlpPass& pass, std::span<const float> states, std::int64_t fan, std::span<float> gradient) const {
  const auto weight_gradient = [&](const LayerSlice& layer) {
    return as_matrix(gradient.subspan(layer.offset, layer.weight_count()), layer.outputs, layer.inputs);
  };
  const auto delta = [&](std::size_t l) {
    return as_matrix(std::span<const float>(pass.deltas[l]), pass.rows, layers_[l].outputs).transposed();
  };
  const LayerSlice& first = layers_.front();
  const std::int64_t count = pass.rows / fan;
  const std::int64_t state_size = count > 0 ? static_cast<std::int64_t>(states.size()) / count : 0;
  const std::int64_t action_size = first.inputs - state_size;
  pass.fan_deltas.assign(static_cast<std::size_t>(count * first.outputs), 0.0F);
  for (std::int64_t i = 0; i < pass.rows; ++i) {
    add_scaled(pass.fan_deltas.data() + i / fan * first.outputs, 1.0F, pass.deltas.front().data() + i * first.outputs, first.outputs);
  }
  const auto by_state = as_matrix(std::span<const float>(pass.fan_deltas), count, first.outputs).transposed();
  multiply_add(weight_gradient(first).columns(0, state_size), by_state, as_matrix(states, count, state_size));
  multiply_add(weight_gradient(first).columns(state_size, action_size), delta(0), as_matrix(pass.input, pass.rows, action_size));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const LayerSlice& layer = layers_[l];
    if (l > 0) multiply_add(weight_gradient(layer), delta(l), as_matrix(layer_input(pass, l), pass.rows, layer.inputs));
    float* bias = gradient.data() + layer.offset + layer.weight_count();
    const std::int64_t rows = l > 0 ? pass.rows : count;
    const float* d = l > 0 ? pass.deltas[l].data() : pass.fan_deltas.data();
    for (std::int64_t i = 0; i < rows; ++i) add_scaled(bias, 1.0F, d + i * layer.outputs, layer.outputs);
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
