// Normal random numbers for the thermostat, one a trajectory: a pure function of the trajectory's
// seed, the step and the particle, so that they do not depend on grouping, threads or restarts.
#pragma once

#include "vector.h"

namespace glassbotan::VARIANT {

struct Key {
  Bits word[2];
};

inline Bits rotate(Bits value, int by) { return (value << by) | (value >> (32 - by)); }

// Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror, Shaw, SC 2011.
inline void threefry(const Key& key, uint32_t counter0, uint32_t counter1, Bits* out) {
  constexpr int rotation[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const Bits schedule[3] = {key.word[0], key.word[1], key.word[0] ^ key.word[1] ^ 0x1BD11BDAu};
  Bits x = schedule[0] + counter0;
  Bits y = schedule[1] + counter1;
  for (int round = 0; round < 20; ++round) {
    x += y;
    y = rotate(y, rotation[round % 8]) ^ x;
    if (round % 4 == 3) {
      const int turn = round / 4 + 1;
      x += schedule[turn % 3];
      y += schedule[(turn + 1) % 3] + static_cast<uint32_t>(turn);
    }
  }
  out[0] = x;
  out[1] = y;
}

inline Vector square_root(Vector value) {
  Vector root;
  for (int lane = 0; lane < lanes; ++lane) root[lane] = __builtin_sqrtf(value[lane]);
  return root;
}

// Natural logarithm of a positive normal number; relative error below 1e-6.
inline Vector logarithm(Vector value) {
  const Bits raw = reinterpret_cast<Bits>(value);
  // value = 2^power * m with m in [sqrt(1/2), sqrt(2)).
  const Bits folded = raw - 0x3F3504F3u;
  const Mask power = reinterpret_cast<Mask>(folded) >> 23;
  const Bits mantissa = (folded & 0x007FFFFFu) + 0x3F3504F3u;
  const Vector m = reinterpret_cast<Vector>(mantissa);
  // log m = 2 artanh z with z = (m - 1) / (m + 1), |z| < 0.172.
  const Vector z = (m - 1.0f) / (m + 1.0f);
  const Vector z2 = z * z;
  const Vector series =
      2.0f + z2 * (2.0f / 3 + z2 * (2.0f / 5 + z2 * (2.0f / 7 + z2 * (2.0f / 9))));
  return z * series + __builtin_convertvector(power, Vector) * 0.69314718056f;
}

// Sine and cosine of 2 pi turn for turn in [-1/2, 1/2).
inline void sine_cosine(Vector turn, Vector& sine, Vector& cosine) {
  // To the quarter turn around 0: angle in [-pi/4, pi/4].
  const Mask quarter =
      __builtin_convertvector(turn * 4.0f + 8.5f, Mask) - 8;
  const Vector angle =
      (turn - __builtin_convertvector(quarter, Vector) * 0.25f) * 6.28318530718f;
  const Vector a2 = angle * angle;
  const Vector s = angle * (1.0f + a2 * (-1.0f / 6 + a2 * (1.0f / 120 + a2 * (-1.0f / 5040 + a2 * (1.0f / 362880)))));
  const Vector c =
      1.0f + a2 * (-0.5f + a2 * (1.0f / 24 + a2 * (-1.0f / 720 + a2 * (1.0f / 40320))));
  const Mask odd = (quarter & 1) != 0;
  const Vector sine_size = pick(odd, c, s), cosine_size = pick(odd, s, c);
  const Mask sign = Mask{} + static_cast<int32_t>(0x80000000u);
  const Mask sine_sign = ((quarter & 2) != 0) & sign;
  const Mask cosine_sign = (((quarter + 1) & 2) != 0) & sign;
  sine = reinterpret_cast<Vector>(reinterpret_cast<Mask>(sine_size) ^ sine_sign);
  cosine = reinterpret_cast<Vector>(reinterpret_cast<Mask>(cosine_size) ^ cosine_sign);
}

// Two normal numbers of unit variance: Box, Muller, Ann. Math. Stat. 29, 610 (1958).
inline void normal_pair(const Key& key, uint32_t step, uint32_t place, Vector* out) {
  Bits random[2];
  threefry(key, step, place, random);
  // (0, 1) in steps of 2^-24, and [-1/2, 1/2).
  const Vector uniform =
      (__builtin_convertvector(reinterpret_cast<Mask>(random[0] >> 8), Vector) + 0.5f) *
      0x1p-24f;
  const Vector turn =
      __builtin_convertvector(reinterpret_cast<Mask>(random[1]) >> 8, Vector) * 0x1p-24f;
  const Vector radius = square_root(-2.0f * logarithm(uniform));
  Vector sine, cosine;
  sine_cosine(turn, sine, cosine);
  out[0] = radius * cosine;
  out[1] = radius * sine;
}

}  // namespace glassbotan::VARIANT
