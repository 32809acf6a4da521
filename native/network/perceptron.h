// What the kernels work on: a two-layer perceptron over many rows, optionally the edges of a graph.
//
//   hidden  = relu(terms + inputs first_weight^T)
//   outputs = relu(hidden out_weight^T + out_bias)
//
// where a row's terms are first_bias or, with a graph, row e = (i -> j) has
// sender_terms[i] + receiver_terms[j] + row_terms[e], and outputs are summed at the receivers.
#pragma once

#include <cstdint>

namespace glassbotan {

// Matrices are dense, the last axis contiguous. T is float or double; the layout is the same.
template <class T>
struct Perceptron {
  int64_t rows;         // E
  int64_t inputs_width; // K
  int64_t width;        // H, a multiple of 16
  int64_t nodes;        // N; 0 without a graph, of which offsets is null
  const int64_t* senders;         // [E]
  const int64_t* receivers;       // [E], increasing
  const int64_t* offsets;         // [N + 1] of each receiver's rows
  const int64_t* by_sender;       // [E] rows of sender 0, then of sender 1 ...
  const int64_t* sender_offsets;  // [N + 1]
  const T* sender_terms;    // [N][H]
  const T* receiver_terms;  // [N][H]
  const T* row_terms;       // [E][H]
  const T* first_bias;      // [H]; null with a graph
  const T* inputs;          // [E][K]
  const T* first_weight;    // [H][K]
  const T* out_weight;      // [H][H]
  const T* out_bias;        // [H]
  T* hidden;    // [E][H]; null where no gradient will be asked for
  T* outputs;   // [E][H]; may be the same memory as inputs where K = H
  T* received;  // [N][H]; null without a graph
};

template <class T>
struct Gradients {
  const T* outputs;   // [E][H], or null for zeros
  const T* received;  // [N][H], or null for zeros
  T* row_terms;       // [E][H], the first layer's before its ReLU; null where nobody needs it
  T* inputs;          // [E][K], K a multiple of 16; null where nobody needs it
  T* sender_terms;    // [N][H]
  T* receiver_terms;  // [N][H]
  T* first_weight;    // [H][K]
  T* first_bias;      // [H]
  T* out_weight;      // [H][H]
  T* out_bias;        // [H]
};

// Rows that one task works on and, with a graph, the nodes that receive exactly these rows.
struct Span {
  int64_t first_row, last_row;
  int64_t first_node, last_node;
};

// Weights in the order in which the kernels read them.
template <class T>
struct Packed {
  T* first;           // for inputs first_weight^T
  T* out;             // for hidden out_weight^T
  T* first_backward;  // for gradient first_weight; null in the forward pass
  T* out_backward;
};

// One task's share of the weights' gradients.
template <class T>
struct WeightGradients {
  T* first;  // [K][H]: transposed, because K need not fill vectors
  T* out;    // [H][H]
  T* first_bias;
  T* out_bias;
};

constexpr int64_t block_rows = 96;

// The loops for one instruction set and precision. Scratch has 2 * block_rows * width numbers.
template <class T>
struct Kernels {
  void (*pack)(const Perceptron<T>& perceptron, const Packed<T>& to);
  void (*forward)(const Perceptron<T>& perceptron, const Packed<T>& weights, const Span& span,
                  T* scratch);
  void (*backward)(const Perceptron<T>& perceptron, const Gradients<T>& gradients,
                   const Packed<T>& weights, const Span& span,
                   const WeightGradients<T>& weight_gradients, T* scratch);
  void (*sum_at_senders)(const Perceptron<T>& perceptron, const Gradients<T>& gradients,
                         int64_t first_node, int64_t last_node);
};

}  // namespace glassbotan
