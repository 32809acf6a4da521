// What both libraries' faces share: which instruction sets this machine has, and exported names.
#pragma once

namespace glassbotan {

inline bool always() { return true; }
#ifdef HAVE_X86_VARIANTS
inline bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("fma");
}
inline bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

// One compilation of the loops: Loops is what a library calls of it.
template <class Loops>
struct Variant {
  const char* name;
  bool (*runs_here)();
  Loops loops;
};

}  // namespace glassbotan

#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

// The part of a library's face that is about its variants, best first.
#define EXPORT_VARIANTS(prefix, variants)                                                        \
  EXPORT int prefix##_variant_count() { return sizeof(variants) / sizeof(variants[0]); }         \
  EXPORT const char* prefix##_variant_name(int index) { return variants[index].name; }           \
  EXPORT int prefix##_variant_runs_here(int index) { return variants[index].runs_here(); }
