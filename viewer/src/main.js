// Brings the parts of the page together: what is chosen, and what follows from it.
import { about } from "./about.js";
import { SEQUENTIAL, speciesColour } from "./colours.js";
import { details, fill } from "./details.js";
import { axisTips } from "./frame.js";
import { format, withUnit } from "./numbers.js";
import { Panel } from "./panel.js";
import { picture, save } from "./picture.js";
import { addRange } from "./ranges.js";
import { readScene } from "./scene.js";
import { describe, listen } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { isDark, setDark, startTheme, theme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { drawTriad, TRIAD } from "./triad.js";
import { visible } from "./visibility.js";

/** Percentages that the threshold offers. */
const PERCENTS = [0.5, 1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** @template {HTMLElement} [T=HTMLElement] @returns {T} */
const $ = (/** @type {string} */ id) => /** @type {T} */ (document.getElementById(id));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ ($(id));
const choice = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ ($(id));

startTheme();
try {
  start();
} catch (error) {
  $("failure").hidden = false;
  $("failure").textContent = `The view cannot be shown: ${error instanceof Error ? error.message : error}`;
  throw error;
}

function start() {
  const scene = readScene();
  const { metadata } = scene;
  const frames = [$("left"), $("right")];
  const motions = scene.quantities.map((q, k) => (q.timed && !q.difference ? k : -1)).filter((k) => k >= 0);
  const first = motions[0] ?? 0;
  frames[1].hidden = motions.length < 2;

  /** @type {import("./visibility.js").Filters} */
  const filters = {
    species: metadata.species.map(() => true),
    slices: [0, 1, 2].map(() => [-Infinity, Infinity]),
    percent: 100,
    which: "highest",
  };
  /** @type {number|null} */
  let chosen = null;
  /** @type {number|null} */
  let hovered = null;
  /** @type {import("./legend.js").Legend[]} */
  let legends = [];

  const stage = new Stage(scene, /** @type {HTMLCanvasElement} */ ($("canvas")), frames, ({ camera }) => {
    const context = /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ ($("triad")).getContext("2d"));
    const ratio = context.canvas.width / TRIAD;
    context.setTransform(ratio, 0, 0, ratio, context.canvas.width / 2, context.canvas.height / 2);
    context.clearRect(-TRIAD, -TRIAD, 2 * TRIAD, 2 * TRIAD);
    drawTriad(context, axisTips(camera, scene.flat), theme());
  }, drawLegends);
  const panels = [first, motions[1] ?? scene.quantities.length - 1].map(
    (quantity, k) => new Panel(frames[k], scene, quantity, () => update()),
  );
  const timeline = new Timeline($("timeline"), scene.times, () => update());

  /** Quantities of the open panels. */
  const shown = () => panels.filter(({ frame }) => !frame.hidden).map(({ quantity }) => quantity);

  /** Recompute everything that the choices decide, and draw. */
  function update() {
    const { time } = timeline;
    const colours = theme();
    stage.setTheme(colours);
    const open = panels.filter(({ frame }) => !frame.hidden);
    legends = open.map((panel) => {
      const mates = input("shared").checked
        ? open.filter((other) => other.about.unit === panel.about.unit && other.about.scale === panel.about.scale && other.about.group === panel.about.group)
        : [panel];
      const times = input("all-times").checked ? [...scene.times.keys(), ...(scene.times.length ? [] : [0])] : [time];
      const together = mates.flatMap((mate) => times.map((t) => mate.values(t))).filter((v) => v !== null);
      return panel.legend(time, together, choice("map").value);
    });
    const by = choice("threshold-by").value;
    let edges = "";
    panels.forEach((panel, k) => {
      if (panel.frame.hidden) return;
      const { spheres } = stage.panels[k];
      const values = panel.values(time);
      const legend = legends[open.indexOf(panel)];
      spheres.setValues(values);
      panel.paint(spheres, legend);
      const judge = by === "own" || open.length < 2 ? panel : panels[Number(by)];
      const { particles, edge } = visible(scene, filters, judge.about.scale === "category" ? null : judge.values(time));
      stage.show(k, particles);
      panel.frame.dataset.shown = String(particles.length);
      panel.note.textContent = values ? note(panel, particles.length) : `not known at t = ${format(scene.times[time])}`;
      if (Number.isFinite(edge) && (!edges || by === "own")) {
        const sign = filters.which === "lowest" ? "≤" : "≥";
        edges += `${edges ? "; " : ""}${sign} ${withUnit(edge, judge.about.unit)}`;
      }
    });
    $("threshold-edge").textContent = edges;
    drawLegends();
    showParticle();
    stage.request();
  }

  function drawLegends() {
    const open = panels.filter(({ frame }) => !frame.hidden);
    legends.forEach((legend, k) => open[k]?.drawLegend(legend, theme()));
  }

  /** @param {Panel} panel @param {number} count */
  function note(panel, count) {
    const parts = panel.timed() ? [`t = ${format(scene.times[timeline.time])}`] : [];
    if (count < scene.count) parts.push(`${count} of ${scene.count} particles`);
    return parts.join(" · ");
  }

  /** Mark the particle under the pointer, or the chosen one, and tell its numbers. */
  function showParticle() {
    const particle = hovered ?? chosen;
    for (const { spheres } of stage.panels) spheres.mark(particle);
    $("tip").hidden = hovered === null;
    if (hovered !== null) fill($("tip"), details(scene, hovered, timeline.time, shown()));
    $("numbers").hidden = chosen === null;
    if (chosen !== null) fill($("numbers"), details(scene, chosen, timeline.time, shown()));
    stage.request();
  }

  function choose(/** @type {number|null} */ particle) {
    chosen = particle;
    input("particle").value = particle === null ? "" : String(scene.id(particle));
    showParticle();
  }

  function resetView() {
    stage.eye.fit();
    stage.move();
  }

  function setPanels(/** @type {number} */ count) {
    frames[1].hidden = count < 2;
    $("panels").textContent = count < 2 ? "Two panels" : "One panel";
    $("threshold-by").parentElement?.toggleAttribute("hidden", count < 2);
    $("shared").parentElement?.toggleAttribute("hidden", count < 2);
    stage.resize();
    update();
  }

  function toggleTheme() {
    setDark(!isDark());
    nameTheme();
    update();
  }

  function nameTheme() {
    $("theme").textContent = isDark() ? "Light" : "Dark";
  }

  function savePicture() {
    const open = panels.filter(({ frame }) => !frame.hidden);
    const parts = open.map((panel, k) => ({ heading: panel.heading(timeline.time), legend: legends[k] }));
    const name = metadata.title.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) || "view";
    save(picture(stage, parts, theme(), axisTips(stage.eye.camera, scene.flat)), `${name}.png`);
  }

  function toggle(/** @type {string} */ id) {
    input(id).click();
  }

  // The panel of controls.
  metadata.species.forEach((name, k) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true, id: `species-${k}` });
    const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
    swatch.style.background = speciesColour(k);
    label.append(box, swatch, name);
    box.addEventListener("change", () => {
      filters.species[k] = box.checked;
      update();
    });
    $("species").append(label);
  });
  const resetSlices = ["x", "y", "z"].slice(0, metadata.dimension).map((axis, k) =>
    addRange($("slices"), axis, metadata.box[k], (low, high) => {
      filters.slices[k] = [low, high];
      update();
    }),
  );
  const percent = input("percent");
  percent.max = String(PERCENTS.length - 1);
  percent.value = percent.max;
  const setPercent = () => {
    filters.percent = PERCENTS[percent.valueAsNumber];
    filters.which = /** @type {typeof filters.which} */ (choice("which").value);
    $("percent-told").textContent = `${filters.percent} %`;
    percent.setAttribute("aria-valuetext", `${filters.percent} percent`);
    update();
  };
  percent.addEventListener("input", setPercent);
  choice("which").addEventListener("change", setPercent);
  choice("threshold-by").addEventListener("change", update);
  for (const [name, label] of Object.entries(SEQUENTIAL)) choice("map").append(new Option(label, name));
  for (const id of ["map", "shared", "all-times"]) $(id).addEventListener("change", update);
  input("size").addEventListener("input", () => {
    for (const { spheres } of stage.panels) spheres.uniforms.size.value = input("size").valueAsNumber;
    stage.request();
  });
  input("box").addEventListener("change", () => {
    for (const { edges } of stage.panels) edges.visible = input("box").checked;
    stage.request();
  });
  input("parallel").checked = stage.eye.parallel;
  input("parallel").addEventListener("change", () => {
    stage.eye.parallel = input("parallel").checked;
    stage.move();
  });
  input("particle").addEventListener("input", () => {
    const wanted = input("particle").valueAsNumber;
    const found = scene.ids ? scene.ids.indexOf(wanted) : wanted;
    chosen = Number.isInteger(found) && found >= 0 && found < scene.count ? found : null;
    $("particle").setAttribute("aria-invalid", String(input("particle").value !== "" && chosen === null));
    showParticle();
  });
  $("clear").addEventListener("click", () => {
    resetSlices.forEach((reset) => reset());
    document.querySelectorAll("#species input").forEach((box) => {
      if (!(/** @type {HTMLInputElement} */ (box).checked)) /** @type {HTMLInputElement} */ (box).click();
    });
    percent.value = percent.max;
    setPercent();
  });

  // The pointer.
  const canvas = stage.canvas;
  /** @type {{x: number, y: number}|null} */
  let pressed = null;
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || event.buttons) return;
    const under = stage.at(event.clientX, event.clientY);
    // Nothing to draw anew while the pointer stays on the same particle.
    if (under !== hovered) {
      hovered = under;
      showParticle();
    }
    if (hovered !== null) placeTip(event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", (event) => {
    // A lifted finger leaves as well; what it tapped stays.
    if (event.pointerType === "touch") return;
    hovered = null;
    showParticle();
  });
  canvas.addEventListener("pointerdown", (event) => {
    pressed = { x: event.clientX, y: event.clientY };
    hovered = null;
    showParticle();
  });
  canvas.addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < 5;
    pressed = null;
    if (!still) return;
    choose(stage.at(event.clientX, event.clientY));
    if (event.pointerType !== "touch") return;
    hovered = chosen;
    showParticle();
    if (hovered !== null) placeTip(event.clientX, event.clientY);
  });

  function placeTip(/** @type {number} */ x, /** @type {number} */ y) {
    const { offsetWidth: width, offsetHeight: height } = $("tip");
    const left = x + 16 + width > innerWidth ? Math.max(4, x - 16 - width) : x + 16;
    $("tip").style.left = `${left}px`;
    $("tip").style.top = `${Math.max(4, Math.min(y + 16, innerHeight - height - 4))}px`;
  }

  // Buttons and keys.
  const open = (/** @type {string} */ id) => /** @type {HTMLDialogElement} */ ($(id)).showModal();
  const setControls = (/** @type {boolean} */ visible) => {
    document.body.classList.toggle("controls-open", visible);
    $("controls-button").setAttribute("aria-expanded", String(visible));
  };
  const toggleControls = () => setControls(!document.body.classList.contains("controls-open"));
  $("panels").addEventListener("click", () => setPanels(frames[1].hidden ? 2 : 1));
  $("theme").addEventListener("click", toggleTheme);
  $("save").addEventListener("click", savePicture);
  $("reset").addEventListener("click", resetView);
  $("help-button").addEventListener("click", () => open("help"));
  $("about-button").addEventListener("click", () => open("about"));
  $("controls-button").addEventListener("click", toggleControls);
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  /** @type {Record<string, [number, number]>} */
  const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const turn = (/** @type {KeyboardEvent} */ event) => {
    const [x, y] = arrows[event.key];
    if (event.shiftKey) stage.eye.shift(-40 * x, -40 * y);
    else stage.eye.turn(6 * x, 6 * y);
  };
  /** @type {import("./shortcuts.js").Shortcut[]} */
  const shortcuts = [
    { keys: Object.keys(arrows), shown: "← → ↑ ↓", does: "turn; with Shift, shift", run: turn },
    { keys: ["+", "="], shown: "+", does: "come nearer", run: () => stage.eye.zoom(1.15) },
    { keys: ["-", "_"], shown: "−", does: "go back", run: () => stage.eye.zoom(1 / 1.15) },
    { keys: ["r"], shown: "r", does: "see the whole box again", run: resetView },
    { keys: [",", "<"], shown: ",", does: "previous time", run: () => timeline.step(-1) },
    { keys: [".", ">"], shown: ".", does: "next time", run: () => timeline.step(1) },
    { keys: [" ", "p"], shown: "p", does: "run through the times", run: () => scene.times.length > 1 && timeline.play() },
    { keys: ["1"], shown: "1", does: "one panel", run: () => setPanels(1) },
    { keys: ["2"], shown: "2", does: "two panels", run: () => setPanels(2) },
    { keys: ["d"], shown: "d", does: "dark or light", run: toggleTheme },
    { keys: ["b"], shown: "b", does: "box on or off", run: () => toggle("box") },
    { keys: ["o"], shown: "o", does: "parallel or perspective", run: () => toggle("parallel") },
    { keys: ["c"], shown: "c", does: "controls", run: toggleControls },
    { keys: ["s"], shown: "s", does: "save as PNG", run: savePicture },
    { keys: ["?"], shown: "?", does: "this help", run: () => open("help") },
    { keys: ["Escape"], shown: "Esc", does: "let go of the particle", run: () => choose((hovered = null)) },
  ];
  listen(shortcuts);
  describe($("keys"), shortcuts);
  about($("record"), metadata);
  nameTheme();

  setControls(innerWidth > 760);
  // The last time that all motions know, or the last of any.
  const common = [...scene.times.keys()].filter((t) => motions.every((k) => scene.values(k, t))).pop();
  timeline.set(common ?? Math.max(0, scene.times.length - 1));
  setPanels(frames[1].hidden ? 1 : 2);
  document.body.dataset.ready = "true";
  // For the browser's console, and for tests.
  Object.assign(globalThis, { glassbotan: { scene, stage, panels, filters, timeline } });
}
