// The perceptron's loops, forward and backward. Compiled once for each instruction set.
//
// Rows are worked on in blocks whose hidden layers and gradients stay in a core's caches.
#include "perceptron.h"
#include "product.h"

namespace glassbotan::VARIANT {
namespace {

template <class T>
void pack_weights(const Perceptron<T>& p, const Packed<T>& to) {
  const int64_t width = p.width, inputs = p.inputs_width;
  pack(inputs, width, [&](int64_t k, int64_t c) { return p.first_weight[c * inputs + k]; }, to.first);
  pack(width, width, [&](int64_t k, int64_t c) { return p.out_weight[c * width + k]; }, to.out);
  if (!to.out_backward) return;
  pack(width, width, [&](int64_t k, int64_t c) { return p.out_weight[k * width + c]; },
       to.out_backward);
  if (to.first_backward)
    pack(width, inputs, [&](int64_t k, int64_t c) { return p.first_weight[k * inputs + c]; },
         to.first_backward);
}

// sums[node] = the sum of its rows in order, for nodes whose rows come block by block.
template <class T>
class ReceiverSums {
 public:
  ReceiverSums(const Perceptron<T>& p, const Span& span, T* sums)
      : p_(p), sums_(sums), node_(span.first_node), last_node_(span.last_node) {
    clear();
  }

  // Rows [first, last) follow those of the last call; values is their [last - first][H].
  void add(const T* values, int64_t first, int64_t last) {
    int64_t row = first;
    while (row < last) {
      skip_finished(row);
      const int64_t end = p_.offsets[node_ + 1] < last ? p_.offsets[node_ + 1] : last;
      T* sum = sums_ + node_ * p_.width;
      for (int64_t c = 0; c < p_.width; c += lanes<T>) {
        Vector<T> total = load(sum + c);
        for (int64_t e = row; e < end; ++e) total += load(values + (e - first) * p_.width + c);
        store(sum + c, total);
      }
      row = end;
    }
  }

  void finish() {
    while (node_ + 1 < last_node_) next();
  }

 private:
  void skip_finished(int64_t row) {
    while (p_.offsets[node_ + 1] <= row) next();
  }
  void next() {
    ++node_;
    clear();
  }
  void clear() {
    if (node_ < last_node_)
      __builtin_memset(sums_ + node_ * p_.width, 0, static_cast<std::size_t>(p_.width) * sizeof(T));
  }

  const Perceptron<T>& p_;
  T* sums_;
  int64_t node_, last_node_;
};

// Fetches into the second cache what is needed a block later. The processor's own prefetching does
// not see several rows at a time coming, and the memory would idle while tiles are multiplied.
template <class T>
ALWAYS_INLINE void will_read(const T* data) { __builtin_prefetch(data, 0, 2); }
template <class T>
ALWAYS_INLINE void will_write(const T* data) { __builtin_prefetch(data, 1, 2); }

template <class T, bool graph>
void forward_rows(const Perceptron<T>& p, const Packed<T>& weights, const Span& span, T* scratch) {
  const int64_t width = p.width;
  ReceiverSums<T> sums(p, span, p.received);
  for (int64_t first = span.first_row; first < span.last_row; first += block_rows) {
    const int64_t last = first + block_rows < span.last_row ? first + block_rows : span.last_row;
    T* hidden = p.hidden ? p.hidden + first * width : scratch;
    T* outputs = p.outputs + first * width;
    const auto terms = [&](int64_t row, int64_t column) INLINED {
      const int64_t e = first + row, later = e + block_rows;
      if (p.hidden) will_write(p.hidden + later * width + column);
      if constexpr (!graph) return load(p.first_bias + column);
      will_read(p.row_terms + later * width + column);
      will_read(p.sender_terms + p.senders[later < p.rows ? later : e] * width + column);
      return load(p.sender_terms + p.senders[e] * width + column) +
             load(p.receiver_terms + p.receivers[e] * width + column) +
             load(p.row_terms + e * width + column);
    };
    const auto keep_hidden = [=](int64_t row, int64_t column, Vector<T> value) {
      store(hidden + row * width + column, relu<T>(value));
    };
    const auto bias = [&](int64_t row, int64_t column) INLINED {
      const int64_t later = (first + row + block_rows) * width + column;
      if (p.inputs_width == width) will_read(p.inputs + later);
      if (p.outputs != p.inputs) will_write(p.outputs + later);
      return load(p.out_bias + column);
    };
    const auto keep_output = [=](int64_t row, int64_t column, Vector<T> value) {
      store(outputs + row * width + column, relu<T>(value));
    };
    multiply(p.inputs + first * p.inputs_width, last - first, weights.first, p.inputs_width, width,
             terms, keep_hidden);
    multiply(hidden, last - first, weights.out, width, width, bias, keep_output);
    if constexpr (graph) sums.add(outputs, first, last);
  }
  if constexpr (graph) sums.finish();
}

template <class T>
void forward(const Perceptron<T>& p, const Packed<T>& weights, const Span& span, T* scratch) {
  (p.offsets ? forward_rows<T, true> : forward_rows<T, false>)(p, weights, span, scratch);
}

// out: the gradient before the last ReLU; its sum over rows is added to bias.
template <class T>
void output_gradients(const Perceptron<T>& p, const Gradients<T>& g, int64_t first, int64_t rows,
                      T* out, T* bias) {
  const int64_t width = p.width;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t e = first + row;
    const T* received = g.received ? g.received + p.receivers[e] * width : nullptr;
    for (int64_t c = 0; c < width; c += lanes<T>) {
      Vector<T> gradient{};
      if (g.outputs) gradient = load(g.outputs + e * width + c);
      if (received) gradient += load(received + c);
      gradient = relu_gradient<T>(gradient, load(p.outputs + e * width + c));
      store(out + row * width + c, gradient);
      store(bias + c, load(bias + c) + gradient);
    }
  }
}

template <class T>
void add_rows(const T* values, int64_t rows, int64_t width, T* sum) {
  for (int64_t c = 0; c < width; c += lanes<T>) {
    Vector<T> total = load(sum + c);
    for (int64_t row = 0; row < rows; ++row) total += load(values + row * width + c);
    store(sum + c, total);
  }
}

template <class T, bool graph>
void backward_rows(const Perceptron<T>& p, const Gradients<T>& g, const Packed<T>& weights,
                   const Span& span, const WeightGradients<T>& weight_gradients, T* scratch) {
  const int64_t width = p.width, inputs_width = p.inputs_width;
  ReceiverSums<T> sums(p, span, g.receiver_terms);
  for (int64_t first = span.first_row; first < span.last_row; first += block_rows) {
    const int64_t last = first + block_rows < span.last_row ? first + block_rows : span.last_row;
    const int64_t rows = last - first;
    const T* hidden = p.hidden + first * width;
    const T* inputs = p.inputs + first * inputs_width;
    T* out = scratch;
    T* pre = g.row_terms ? g.row_terms + first * width : scratch + block_rows * width;
    const auto start_pre = [&](int64_t row, int64_t column) INLINED {
      const int64_t later = (first + row + block_rows) * width + column;
      if (g.outputs) will_read(g.outputs + later);
      will_read(p.outputs + later);
      will_read(p.hidden + later);
      if (g.row_terms) will_write(g.row_terms + later);
      return Vector<T>{};
    };
    const auto keep_pre = [=](int64_t row, int64_t column, Vector<T> value) {
      const int64_t at = row * width + column;
      store(pre + at, relu_gradient<T>(value, load(hidden + at)));
    };
    const auto start_inputs = [&](int64_t row, int64_t column) INLINED {
      const int64_t later = (first + row + block_rows) * inputs_width + column;
      will_read(p.inputs + later);
      will_write(g.inputs + later);
      return Vector<T>{};
    };
    const auto keep_inputs = [&](int64_t row, int64_t column, Vector<T> value) INLINED {
      store(g.inputs + (first + row) * inputs_width + column, value);
    };
    output_gradients(p, g, first, rows, out, weight_gradients.out_bias);
    add_outer_product(out, width, hidden, width, rows, weight_gradients.out);
    multiply(out, rows, weights.out_backward, width, width, start_pre, keep_pre);
    add_outer_product(inputs, inputs_width, pre, width, rows, weight_gradients.first);
    if (g.inputs)
      multiply(pre, rows, weights.first_backward, width, inputs_width, start_inputs, keep_inputs);
    if constexpr (graph) sums.add(pre, first, last);
    else add_rows(pre, rows, width, weight_gradients.first_bias);
  }
  if constexpr (graph) sums.finish();
}

template <class T>
void backward(const Perceptron<T>& p, const Gradients<T>& g, const Packed<T>& weights,
              const Span& span, const WeightGradients<T>& weight_gradients, T* scratch) {
  (p.offsets ? backward_rows<T, true> : backward_rows<T, false>)(p, g, weights, span,
                                                                 weight_gradients, scratch);
}

template <class T>
void sum_at_senders(const Perceptron<T>& p, const Gradients<T>& g, int64_t first_node,
                    int64_t last_node) {
  // Far enough that a row has come from memory when it is added.
  constexpr int64_t ahead = 16;
  const int64_t width = p.width;
  for (int64_t node = first_node; node < last_node; ++node) {
    T* sum = g.sender_terms + node * width;
    __builtin_memset(sum, 0, static_cast<std::size_t>(width) * sizeof(T));
    for (int64_t k = p.sender_offsets[node]; k < p.sender_offsets[node + 1]; ++k) {
      const T* later = g.row_terms + p.by_sender[k + ahead < p.rows ? k + ahead : k] * width;
      const T* row = g.row_terms + p.by_sender[k] * width;
      for (int64_t c = 0; c < width; c += lanes<T>) {
        will_read(later + c);
        store(sum + c, load(sum + c) + load(row + c));
      }
    }
  }
}

}  // namespace

extern const Kernels<float> float_kernels{pack_weights, forward, backward, sum_at_senders};
extern const Kernels<double> double_kernels{pack_weights, forward, backward, sum_at_senders};

}  // namespace glassbotan::VARIANT
