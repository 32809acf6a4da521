// Near particles first: what they hide need not be coloured.

const BINS = 4096;

/**
 * Sort particles by their depth along a direction, by counting.
 * @param {Uint32Array} particles @param {Float32Array} positions
 * @param {[number, number, number]} ahead Away from the eye.
 */
export function nearFirst(particles, positions, [x, y, z]) {
  const count = particles.length;
  const depth = new Float32Array(count);
  let low = Infinity;
  let high = -Infinity;
  for (let k = 0; k < count; k++) {
    const at = 3 * particles[k];
    const d = (depth[k] = x * positions[at] + y * positions[at + 1] + z * positions[at + 2]);
    if (d < low) low = d;
    if (d > high) high = d;
  }
  const scale = high > low ? (BINS - 1) / (high - low) : 0;
  const starts = new Uint32Array(BINS + 1);
  for (let k = 0; k < count; k++) starts[1 + ((depth[k] - low) * scale | 0)]++;
  for (let b = 0; b < BINS; b++) starts[b + 1] += starts[b];
  const result = new Uint32Array(count);
  for (let k = 0; k < count; k++) result[starts[(depth[k] - low) * scale | 0]++] = particles[k];
  return result;
}
