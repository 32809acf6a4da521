// Which value has which end of the colours.

/** @typedef {[number, number]} Limits */

/** @type {WeakMap<Float32Array, Float32Array>} */
const sortedOnce = new WeakMap();

/** The finite values of an array in increasing order. */
export function sorted(/** @type {Float32Array} */ values) {
  let result = sortedOnce.get(values);
  if (!result) sortedOnce.set(values, (result = values.filter(Number.isFinite).sort()));
  return result;
}

/** The value below which a fraction of an increasing array lies. */
export function quantile(/** @type {Float32Array} */ increasing, /** @type {number} */ fraction) {
  if (!increasing.length) return NaN;
  const place = fraction * (increasing.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, increasing.length - 1);
  return increasing[below] + (place - below) * (increasing[above] - increasing[below]);
}

/**
 * The 2nd and 98th percentile over all arrays, or symmetric about zero.
 * @param {Float32Array[]} arrays @param {string} scale @returns {Limits}
 */
export function limits(arrays, scale) {
  const ends = arrays.map(sorted).filter((a) => a.length).map((a) => [quantile(a, 0.02), quantile(a, 0.98)]);
  if (!ends.length) return [0, 1];
  let low = Math.min(...ends.map((e) => e[0]));
  let high = Math.max(...ends.map((e) => e[1]));
  if (scale === "diverging") high = -(low = -Math.max(Math.abs(low), Math.abs(high)));
  if (high > low) return [low, high];
  const half = Math.abs(low) > 0 ? 0.5 * Math.abs(low) : 0.5;
  return [low - half, low + half];
}
