// The slider through the times.
import { format } from "./numbers.js";

const PAUSE = 900;

export class Timeline {
  /** @param {HTMLElement} element @param {number[]} times @param {(time: number) => void} changed */
  constructor(element, times, changed) {
    this.times = times;
    this.changed = changed;
    this.slider = /** @type {HTMLInputElement} */ (element.querySelector("input"));
    this.output = /** @type {HTMLElement} */ (element.querySelector("output"));
    this.button = /** @type {HTMLButtonElement} */ (element.querySelector("button"));
    element.hidden = times.length < 2;
    this.slider.max = String(Math.max(0, times.length - 1));
    this.slider.addEventListener("input", () => this.set(this.slider.valueAsNumber));
    this.button.addEventListener("click", () => this.play());
    const marks = /** @type {HTMLElement} */ (element.querySelector(".marks"));
    marks.append(...times.map((t) => Object.assign(document.createElement("span"), { textContent: format(t, 3) })));
  }

  get time() {
    return this.slider.valueAsNumber;
  }

  set(/** @type {number} */ time) {
    const last = this.times.length - 1;
    this.slider.value = String(Math.max(0, Math.min(last, time)));
    const told = last < 0 ? "" : `t = ${format(this.times[this.time])}`;
    this.output.textContent = told;
    this.slider.setAttribute("aria-valuetext", told);
    this.changed(this.time);
  }

  step(/** @type {number} */ by) {
    this.stop();
    this.set(this.time + by);
  }

  /** Run through all times, or stop. */
  play() {
    if (this.timer) return this.stop();
    this.timer = setInterval(() => this.set((this.time + 1) % this.times.length), PAUSE);
    this.#tell("Stop");
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.#tell("Play");
  }

  #tell(/** @type {string} */ does) {
    this.button.textContent = does;
    this.button.setAttribute("aria-pressed", String(does === "Stop"));
  }
}
