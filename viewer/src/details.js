// The numbers of one particle.
import { format, withUnit } from "./numbers.js";

/**
 * Names and values, with a mark at those that a panel shows.
 * @param {import("./scene.js").Scene} scene @param {number} particle @param {number} time
 * @param {number[]} shown Quantities of the open panels.
 */
export function details(scene, particle, time, shown) {
  const place = scene.positions.subarray(3 * particle, 3 * particle + (scene.flat ? 2 : 3));
  const at = (/** @type {number} */ k) => scene.values(k, time)?.[particle] ?? NaN;
  const number = (/** @type {number} */ k) => {
    const { label, unit } = scene.quantities[k];
    return { name: label, value: withUnit(at(k), unit), shown: shown.includes(k) };
  };
  const kept = scene.quantities
    .map((q, k) => ({ q, k }))
    .filter(({ q, k }) => q.scale !== "category" && ((q.timed && !q.difference) || shown.includes(k)));
  return [
    { name: "particle", value: String(scene.id(particle)), shown: false },
    { name: "species", value: scene.metadata.species[scene.species[particle]], shown: false },
    { name: "position", value: [...place].map((x) => format(x)).join(", "), shown: false },
    ...kept.map(({ k }) => number(k)),
  ];
}

/** Write them into a definition list. */
export function fill(/** @type {HTMLElement} */ list, /** @type {ReturnType<typeof details>} */ rows) {
  list.replaceChildren(
    ...rows.flatMap(({ name, value, shown }) => {
      const [term, number] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      number.textContent = value;
      if (shown) term.className = number.className = "shown";
      return [term, number];
    }),
  );
}
