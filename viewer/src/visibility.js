// Which particles are shown: by species, by slices, and by a threshold of the shown quantity.
import { quantile, sorted } from "./scale.js";

/**
 * @typedef {object} Filters
 * @property {boolean[]} species Whether each is shown.
 * @property {[number, number][]} slices Lowest and highest x, y, z.
 * @property {number} percent Of the particles that the threshold leaves; 100 is no threshold.
 * @property {"highest"|"lowest"|"largest"} which End that is left; "largest" by magnitude.
 */

/**
 * The shown particles, in the order of the file.
 * @param {import("./scene.js").Scene} scene @param {Filters} filters
 * @param {Float32Array|null} values Of the threshold's quantity.
 * @returns {{particles: Uint32Array, edge: number}} edge: the threshold, NaN where there is none.
 */
export function visible(scene, filters, values) {
  const { edge, passes } = threshold(scene, filters, values);
  const chosen = new Uint32Array(scene.count);
  let count = 0;
  for (let i = 0; i < scene.count; i++) {
    if (filters.species[scene.species[i]] && inside(scene, filters, i) && passes(i)) chosen[count++] = i;
  }
  return { particles: chosen.subarray(0, count), edge };
}

/** @param {import("./scene.js").Scene} scene @param {Filters} filters @param {number} i */
function inside(scene, filters, i) {
  for (let axis = 0; axis < 3; axis++) {
    const place = scene.positions[3 * i + axis];
    const [low, high] = filters.slices[axis];
    if (place < low || place > high) return false;
  }
  return true;
}

/**
 * The fraction is one of the species shown, wherever they are.
 * @param {import("./scene.js").Scene} scene @param {Filters} filters @param {Float32Array|null} values
 */
function threshold(scene, { species, percent, which }, values) {
  if (percent >= 100 || !values) return { edge: NaN, passes: () => true };
  const size = which === "largest" ? Math.abs : (/** @type {number} */ x) => x;
  const counted = values.filter((_, i) => species[scene.species[i]]).map(size);
  const fraction = percent / 100;
  const edge = quantile(sorted(counted), which === "lowest" ? fraction : 1 - fraction);
  const passes = which === "lowest"
    ? (/** @type {number} */ i) => values[i] <= edge
    : (/** @type {number} */ i) => size(values[i]) >= edge;
  return { edge, passes };
}
