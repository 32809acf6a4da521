// A panel's heading, where its quantity is chosen, and its colour bar.
import { DIVERGING, table } from "./colours.js";
import { drawLegend, LEGEND_HEIGHT } from "./legend.js";
import { format } from "./numbers.js";
import { limits, sorted } from "./scale.js";

export class Panel {
  /**
   * @param {HTMLElement} frame @param {import("./scene.js").Scene} scene @param {number} quantity
   * @param {(quantity: number) => void} chosen
   */
  constructor(frame, scene, quantity, chosen) {
    this.frame = frame;
    this.scene = scene;
    this.quantity = quantity;
    this.select = /** @type {HTMLSelectElement} */ (frame.querySelector("select"));
    this.note = /** @type {HTMLElement} */ (frame.querySelector(".note"));
    this.bar = /** @type {HTMLCanvasElement} */ (frame.querySelector("canvas"));
    this.#offer();
    this.select.value = String(quantity);
    this.select.addEventListener("change", () => chosen((this.quantity = Number(this.select.value))));
  }

  get about() {
    return this.scene.quantities[this.quantity];
  }

  values(/** @type {number} */ time) {
    return this.scene.values(this.quantity, time);
  }

  /** The quantity and, if it has one, its time. */
  heading(/** @type {number} */ time) {
    const { label, rows } = this.about;
    return rows.length > 1 || this.timed() ? `${label}, t = ${format(this.scene.times[time])}` : label;
  }

  /** Whether the quantity belongs to a time, be it the only one. */
  timed() {
    return this.about.timed;
  }

  /**
   * @param {number} time @param {Float32Array[]} together Values that share the scale.
   * @param {string} sequential Colour map. @returns {import("./legend.js").Legend}
   */
  legend(time, together, sequential) {
    const { meaning, unit, scale } = this.about;
    const ends = limits(together, scale);
    const all = together.map(sorted).filter((values) => values.length);
    return {
      label: unit ? `${meaning} (${unit})` : meaning,
      map: { category: "species", diverging: DIVERGING, sequential }[scale],
      limits: ends,
      beyond: [all.some((a) => a[0] < ends[0]), all.some((a) => a[a.length - 1] > ends[1])],
      species: this.scene.metadata.species,
    };
  }

  /** @param {import("./legend.js").Legend} legend @param {import("./theme.js").Theme} theme */
  drawLegend(legend, theme) {
    const width = this.bar.clientWidth;
    const ratio = Math.max(2, devicePixelRatio);
    this.bar.width = width * ratio;
    this.bar.height = LEGEND_HEIGHT * ratio;
    const context = /** @type {CanvasRenderingContext2D} */ (this.bar.getContext("2d"));
    context.scale(ratio, ratio);
    drawLegend(context, width, legend, theme, this.scene.metadata.colours);
    const [low, high] = legend.limits.map((x) => format(x));
    const colours = legend.map === "species" ? legend.species.join(", ") : `from ${low} to ${high}`;
    this.bar.setAttribute("aria-label", `colours: ${legend.label}, ${colours}`);
  }

  /** Give the spheres their colours. @param {import("./spheres.js").Spheres} spheres @param {import("./legend.js").Legend} legend */
  paint(spheres, legend) {
    const { map, limits: ends } = legend;
    spheres.uniforms.colours.value = table(map, this.scene.metadata.colours).texture;
    const [low, high] = map === "species" ? [0, 255] : ends;
    spheres.uniforms.limits.value.set(low, high);
  }

  #offer() {
    const groups = new Map();
    this.scene.quantities.forEach(({ group, label }, k) => {
      if (!groups.has(group)) {
        groups.set(group, Object.assign(document.createElement("optgroup"), { label: group }));
        this.select.append(groups.get(group));
      }
      groups.get(group).append(new Option(label, String(k)));
    });
  }
}
