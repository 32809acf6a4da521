// The C face of the network's kernels: choice of the instruction set, and threads over spans of
// rows. Spans and the order of every sum depend on the graph alone, so that results do not depend
// on the number of threads.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "../common/instruction_sets.h"
#include "perceptron.h"

namespace glassbotan {

#define DECLARE_VARIANT(name)                 \
  namespace name {                            \
  extern const Kernels<float> float_kernels;  \
  extern const Kernels<double> double_kernels; \
  }
#ifdef HAVE_X86_VARIANTS
DECLARE_VARIANT(avx512)
DECLARE_VARIANT(avx2)
#endif
DECLARE_VARIANT(generic)

namespace {

struct Loops {
  const Kernels<float>& of_float;
  const Kernels<double>& of_double;
};

// Best first.
const Variant<Loops> variants[] = {
#ifdef HAVE_X86_VARIANTS
    {"avx512", has_avx512, {avx512::float_kernels, avx512::double_kernels}},
    {"avx2", has_avx2, {avx2::float_kernels, avx2::double_kernels}},
#endif
    {"generic", always, {generic::float_kernels, generic::double_kernels}},
};

template <class T>
const Kernels<T>& kernels_of(int variant);
template <>
const Kernels<float>& kernels_of(int variant) { return variants[variant].loops.of_float; }
template <>
const Kernels<double>& kernels_of(int variant) { return variants[variant].loops.of_double; }

// Enough that threads finish together, few enough that the weights' gradients of all are small.
constexpr int64_t span_count = 32;

template <class T>
struct Free {
  void operator()(T* data) const { std::free(data); }
};

// Numbers on cache lines of their own.
template <class T>
class Numbers {
 public:
  explicit Numbers(int64_t size) {
    const size_t bytes = (static_cast<size_t>(size) * sizeof(T) + 64) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    if (!data_) throw std::bad_alloc();
  }
  T* data() const { return data_.get(); }

 private:
  std::unique_ptr<T, Free<T>> data_;
};

template <class T>
std::vector<Span> spans_of(const Perceptron<T>& p) {
  std::vector<Span> spans(span_count);
  for (int64_t s = 0; s < span_count; ++s) {
    Span& span = spans[s];
    const int64_t begin = p.rows * s / span_count, end = p.rows * (s + 1) / span_count;
    if (p.offsets) {
      const int64_t* offsets = p.offsets;
      const auto node_at = [=](int64_t row) {
        return std::lower_bound(offsets, offsets + p.nodes, row) - offsets;
      };
      span.first_node = s == 0 ? 0 : node_at(begin);
      span.last_node = s + 1 == span_count ? p.nodes : node_at(end);
      span.first_row = offsets[span.first_node];
      span.last_row = offsets[span.last_node];
    } else {
      span = {begin, end, 0, 0};
    }
  }
  return spans;
}

// task(worker, index) for each index, taken by whichever worker is free.
template <class Task>
void each(int64_t tasks, int workers, const Task& task) {
  std::atomic<int64_t> next{0};
  const auto work = [&](int worker) {
    for (int64_t index; (index = next.fetch_add(1)) < tasks;) task(worker, index);
  };
  std::vector<std::thread> pool;
  for (int worker = 1; worker < workers; ++worker) {
    try {
      pool.emplace_back(work, worker);
    } catch (const std::system_error&) {
      break;  // No more threads to be had: those that run do the work.
    }
  }
  work(0);
  for (auto& thread : pool) thread.join();
}

int useful_workers(int64_t rows, int threads) {
  // Below this, starting a thread costs more than it saves.
  constexpr int64_t rows_for_a_thread = 2048;
  const int64_t most = std::min<int64_t>(span_count, rows / rows_for_a_thread);
  return static_cast<int>(std::clamp<int64_t>(threads, 1, std::max<int64_t>(most, 1)));
}

template <class T>
void forward(const Perceptron<T>& p, int variant, int threads) {
  const auto& kernels = kernels_of<T>(variant);
  const int workers = useful_workers(p.rows, threads);
  const int64_t scratch_size = 2 * block_rows * p.width;
  Numbers<T> first(p.inputs_width * p.width), out(p.width * p.width);
  Numbers<T> scratch(workers * scratch_size);
  const Packed<T> packed{first.data(), out.data(), nullptr, nullptr};
  kernels.pack(p, packed);
  const auto spans = spans_of(p);
  each(span_count, workers, [&](int worker, int64_t s) {
    kernels.forward(p, packed, spans[s], scratch.data() + worker * scratch_size);
  });
}

template <class T>
void backward(const Perceptron<T>& p, const Gradients<T>& g, int variant, int threads) {
  const auto& kernels = kernels_of<T>(variant);
  const int workers = useful_workers(p.rows, threads);
  const int64_t width = p.width, inputs = p.inputs_width;
  const int64_t scratch_size = 2 * block_rows * width;
  Numbers<T> first(inputs * width), out(width * width);
  Numbers<T> first_backward(inputs * width), out_backward(width * width);
  Numbers<T> scratch(workers * scratch_size);
  const Packed<T> packed{first.data(), out.data(), g.inputs ? first_backward.data() : nullptr,
                         out_backward.data()};
  kernels.pack(p, packed);

  const int64_t share = inputs * width + width * width + 2 * width;
  Numbers<T> shares(span_count * share);
  std::fill_n(shares.data(), span_count * share, T(0));
  const auto spans = spans_of(p);
  each(span_count, workers, [&](int worker, int64_t s) {
    T* own = shares.data() + s * share;
    const WeightGradients<T> to{own, own + inputs * width, own + inputs * width + width * width,
                                own + inputs * width + width * width + width};
    kernels.backward(p, g, packed, spans[s], to, scratch.data() + worker * scratch_size);
  });
  if (p.offsets)
    each(span_count, workers, [&](int, int64_t s) {
      kernels.sum_at_senders(p, g, p.nodes * s / span_count, p.nodes * (s + 1) / span_count);
    });

  T* total = shares.data();
  for (int64_t s = 1; s < span_count; ++s)
    for (int64_t k = 0; k < share; ++k) total[k] += shares.data()[s * share + k];
  for (int64_t c = 0; c < width; ++c)
    for (int64_t k = 0; k < inputs; ++k) g.first_weight[c * inputs + k] = total[k * width + c];
  total += inputs * width;
  std::copy_n(total, width * width, g.out_weight);
  total += width * width;
  if (g.first_bias) std::copy_n(total, width, g.first_bias);
  std::copy_n(total + width, width, g.out_bias);
}

// 0, or 1 where memory ran out.
template <class Work>
int guarded(const Work& work) {
  try {
    work();
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

}  // namespace
}  // namespace glassbotan

// Let the caller see whether it was written for this library.
EXPORT int64_t network_perceptron_size() { return sizeof(glassbotan::Perceptron<float>); }
EXPORT int64_t network_gradients_size() { return sizeof(glassbotan::Gradients<float>); }

EXPORT_VARIANTS(network, glassbotan::variants)

EXPORT int network_forward_float(const glassbotan::Perceptron<float>* p, int variant, int threads) {
  return glassbotan::guarded([=] { glassbotan::forward(*p, variant, threads); });
}
EXPORT int network_forward_double(const glassbotan::Perceptron<double>* p, int variant,
                                  int threads) {
  return glassbotan::guarded([=] { glassbotan::forward(*p, variant, threads); });
}
EXPORT int network_backward_float(const glassbotan::Perceptron<float>* p,
                                  const glassbotan::Gradients<float>* g, int variant,
                                  int threads) {
  return glassbotan::guarded([=] { glassbotan::backward(*p, *g, variant, threads); });
}
EXPORT int network_backward_double(const glassbotan::Perceptron<double>* p,
                                   const glassbotan::Gradients<double>* g, int variant,
                                   int threads) {
  return glassbotan::guarded([=] { glassbotan::backward(*p, *g, variant, threads); });
}
