// Draws the panels into one canvas, when there is something new to draw.
import { Color, Raycaster, Scene as Space, Vector2, WebGLRenderer } from "three";
import { Eye } from "./eye.js";
import { boxEdges } from "./frame.js";
import { nearFirst } from "./order.js";
import { pick } from "./pick.js";
import { placesTexture, Spheres } from "./spheres.js";

/** More particles than this are drawn without soft edges, and simpler while they move. */
const MANY = 20000;
/** Milliseconds a frame above which a moving picture is drawn coarser. */
const SLOW = 34;
const COARSEST = 0.3;

export class Stage {
  /**
   * @param {import("./scene.js").Scene} scene @param {HTMLCanvasElement} canvas
   * @param {HTMLElement[]} frames The panels' elements. @param {(eye: Eye) => void} drawn
   * @param {() => void} resized
   */
  constructor(scene, canvas, frames, drawn, resized) {
    this.scene = scene;
    this.canvas = canvas;
    this.many = scene.count > MANY;
    this.renderer = new WebGLRenderer({ canvas, antialias: !this.many, powerPreference: "high-performance" });
    this.renderer.setScissorTest(true);
    this.renderer.info.autoReset = false;
    const places = placesTexture(scene);
    this.panels = frames.map((frame) => {
      const spheres = new Spheres(scene.count, places, !this.many);
      const edges = boxEdges(scene.box, scene.flat);
      const space = new Space();
      space.add(spheres.mesh, edges);
      return { frame, spheres, edges, space, shown: /** @type {Uint32Array} */ (new Uint32Array(0)), sortedFor: "" };
    });
    this.drawn = drawn;
    this.coarse = 1;
    this.frames = 0;
    this.moving = false;
    this.eye = new Eye(scene, canvas, () => this.move());
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement ?? canvas);
    this.resized = resized;
  }

  /** The panels in view. */
  get open() {
    return this.panels.filter((panel) => !panel.frame.hidden);
  }

  /** @param {{paper: string, ink: string, line: string, unknown: string}} theme */
  setTheme({ paper, ink, line, unknown }) {
    this.renderer.setClearColor(new Color(paper));
    for (const { edges, spheres } of this.panels) {
      edges.material.color.set(line);
      spheres.uniforms.unknown.value.setStyle(unknown, "srgb-linear");
      spheres.uniforms.ring.value.setStyle(ink, "srgb-linear");
    }
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement ?? this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setPixelRatio(this.ratio());
    this.renderer.setSize(clientWidth, clientHeight, false);
    const { width, height } = this.open[0].frame.getBoundingClientRect();
    if (height) this.eye.resize(width, height, clientHeight);
    this.resized();
    this.draw();
  }

  /** Show these particles in a panel. */
  show(/** @type {number} */ panel, /** @type {Uint32Array} */ particles) {
    this.panels[panel].shown = particles;
    this.panels[panel].sortedFor = "";
  }

  /** Draw before the screen is next refreshed. */
  request() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.draw());
  }

  /** The camera has moved: draw, fast at first, and well once it rests. */
  move() {
    this.moving = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.settle(), 220);
    this.request();
  }

  settle() {
    this.moving = false;
    this.last = undefined;
    const coarse = this.coarse;
    this.coarse = 1;
    if (coarse < 1) this.resize();
    else this.request();
    this.usual = coarse;
  }

  draw() {
    if (this.pending) cancelAnimationFrame(this.pending);
    this.pending = undefined;
    this.#watchSpeed();
    this.eye.update();
    this.render();
    this.drawn(this.eye);
  }

  /** Draw all open panels into the canvas now. */
  render() {
    const { eye, renderer } = this;
    const whole = this.canvas.getBoundingClientRect();
    for (const panel of this.open) {
      const box = panel.frame.getBoundingClientRect();
      const view = /** @type {const} */ ([box.left - whole.left, whole.bottom - box.bottom, box.width, box.height]);
      renderer.setViewport(...view);
      renderer.setScissor(...view);
      panel.spheres.uniforms.parallel.value = eye.parallel ? 1 : 0;
      panel.spheres.mesh.material = this.many && this.moving ? panel.spheres.fast : panel.spheres.round;
      this.#sort(panel);
      renderer.render(panel.space, eye.camera);
    }
    this.frames++;
  }

  /** The particle under a point of the window, and the number of the panel there. */
  at(/** @type {number} */ x, /** @type {number} */ y) {
    const panel = this.open.find(({ frame }) => {
      const box = frame.getBoundingClientRect();
      return x >= box.left && x < box.right && y >= box.top && y < box.bottom;
    });
    if (!panel) return null;
    const box = panel.frame.getBoundingClientRect();
    const point = new Vector2((2 * (x - box.left)) / box.width - 1, 1 - (2 * (y - box.top)) / box.height);
    const caster = new Raycaster();
    caster.setFromCamera(point, this.eye.camera);
    return pick(this.scene, panel.shown, caster.ray, panel.spheres.uniforms.size.value);
  }

  /** Pixels of the canvas for each of the page. */
  ratio() {
    return Math.min(devicePixelRatio, 2) * this.coarse;
  }

  /** @param {typeof this.panels[number]} panel */
  #sort(panel) {
    const ahead = this.eye.ahead();
    const key = ahead.map((x) => x.toFixed(2)).join(" ");
    if (panel.sortedFor === key) return;
    panel.sortedFor = key;
    panel.spheres.setOrder(nearFirst(panel.shown, this.scene.positions, ahead));
  }

  /** While the picture moves: fewer pixels where the last frames came too slowly. */
  #watchSpeed() {
    if (!this.moving) return;
    const now = performance.now();
    const took = now - (this.last ?? now);
    this.last = now;
    let coarse = this.coarse;
    if (took === 0 && this.usual) coarse = this.usual;
    if (took > SLOW) coarse = Math.max(COARSEST, coarse * Math.max(0.6, Math.sqrt(SLOW / took)));
    if (Math.abs(coarse - this.coarse) < 0.05) return;
    this.coarse = coarse;
    this.renderer.setPixelRatio(this.ratio());
  }
}
