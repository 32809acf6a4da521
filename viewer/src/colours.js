// Colour maps as tables of 256 colours, and the colours of species.
import { ClampToEdgeWrapping, DataTexture, LinearFilter, NearestFilter, RGBAFormat } from "three";
import { bytes } from "./scene.js";

/** Colour maps for values that rise, in the order offered. */
export const SEQUENTIAL = { Reds: "white to red", viridis: "viridis", cividis: "cividis" };
export const DIVERGING = "RdBu_r";

/** Told apart by colour-blind readers: Okabe and Ito, "Color Universal Design" (2008). */
export const SPECIES = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#f0e442"];

/** @type {Map<string, {css: string[], texture: DataTexture}>} */
const tables = new Map();

/**
 * @param {string} name A colour map's, or "species". @param {Record<string, string>} stored
 */
export function table(name, stored) {
  let found = tables.get(name);
  if (!found) {
    const rgb = name === "species" ? speciesBytes() : bytes(stored[name]);
    tables.set(name, (found = { css: cssOf(rgb), texture: textureOf(rgb, name === "species") }));
  }
  return found;
}

/** The colour of a species, by number. */
export function speciesColour(/** @type {number} */ species) {
  return SPECIES[species % SPECIES.length];
}

function speciesBytes() {
  return Uint8Array.from(
    Array.from({ length: 256 }, (_, k) => [1, 3, 5].map((c) => parseInt(speciesColour(k).slice(c, c + 2), 16))).flat(),
  );
}

function cssOf(/** @type {Uint8Array} */ rgb) {
  return Array.from({ length: rgb.length / 3 }, (_, k) => `rgb(${rgb.slice(3 * k, 3 * k + 3).join(" ")})`);
}

function textureOf(/** @type {Uint8Array} */ rgb, /** @type {boolean} */ separate) {
  const count = rgb.length / 3;
  const rgba = new Uint8Array(4 * count).fill(255);
  for (let k = 0; k < count; k++) rgba.set(rgb.subarray(3 * k, 3 * k + 3), 4 * k);
  const texture = new DataTexture(rgba, count, 1, RGBAFormat);
  texture.minFilter = texture.magFilter = separate ? NearestFilter : LinearFilter;
  texture.wrapS = ClampToEdgeWrapping;
  texture.needsUpdate = true;
  return texture;
}
