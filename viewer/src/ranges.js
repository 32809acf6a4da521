// A slice along one axis: two thumbs on one track, and their numbers.
import { format } from "./numbers.js";

/**
 * @param {HTMLElement} parent @param {string} axis @param {number} edge Of the box.
 * @param {(low: number, high: number) => void} changed
 */
export function addRange(parent, axis, edge, changed) {
  const group = Object.assign(document.createElement("div"), { className: "range" });
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", `slice along ${axis}`);
  const name = Object.assign(document.createElement("span"), { className: "axis", textContent: axis });
  const track = Object.assign(document.createElement("div"), { className: "track" });
  const numbers = document.createElement("output");
  const [low, high] = ["lowest", "highest"].map((end, k) => {
    const thumb = Object.assign(document.createElement("input"), {
      type: "range", min: "0", max: "1000", step: "1", value: String(1000 * k), id: `slice-${axis}-${end}`,
    });
    thumb.setAttribute("aria-label", `${end} ${axis}`);
    track.append(thumb);
    return thumb;
  });
  const place = (/** @type {HTMLInputElement} */ thumb) => (thumb.valueAsNumber / 1000) * edge;
  const tell = () => {
    numbers.textContent = `${place(low).toFixed(1)} – ${place(high).toFixed(1)}`;
    for (const thumb of [low, high]) thumb.setAttribute("aria-valuetext", format(place(thumb), 3));
    track.style.setProperty("--low", `${low.valueAsNumber / 10}%`);
    track.style.setProperty("--high", `${high.valueAsNumber / 10}%`);
  };
  const move = (/** @type {HTMLInputElement} */ thumb) => {
    // One thumb pushes the other along, so that neither can lock the other in at a wall.
    if (low.valueAsNumber > high.valueAsNumber) (thumb === low ? high : low).value = thumb.value;
    tell();
    // An end at the wall leaves out nothing there, whatever the rounding.
    changed(low.valueAsNumber === 0 ? -Infinity : place(low), high.valueAsNumber === 1000 ? Infinity : place(high));
  };
  low.addEventListener("input", () => move(low));
  high.addEventListener("input", () => move(high));
  group.append(name, track, numbers);
  parent.append(group);
  tell();
  return () => {
    [low.value, high.value] = ["0", "1000"];
    move(low);
  };
}
