// One camera for all panels: whoever turns one, turns both.
import { MOUSE, OrthographicCamera, PerspectiveCamera, TOUCH, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";

const ANGLE = 28;
/** Heights that heading and colour bar take in a panel, pixels. */
const [ABOVE, BELOW] = [36, 62];

export class Eye {
  /**
   * @param {import("./scene.js").Scene} scene @param {HTMLElement} element That is dragged upon.
   * @param {() => void} moved
   */
  constructor(scene, element, moved) {
    this.flat = scene.flat;
    this.reach = 0.5 * Math.hypot(...scene.box) + 0.5;
    this.width = scene.box[0] + 1;
    this.height = scene.box[1] + 1;
    this.parallel = scene.flat;
    this.perspective = new PerspectiveCamera(ANGLE, 1);
    this.perspective.up.set(0, this.flat ? 1 : 0, this.flat ? 0 : 1);
    this.orthographic = new OrthographicCamera();
    this.controls = new OrbitControls(this.perspective, element);
    this.controls.enableDamping = false;
    this.controls.enableRotate = !this.flat;
    if (this.flat) {
      this.controls.mouseButtons.LEFT = MOUSE.PAN;
      this.controls.touches.ONE = TOUCH.PAN;
    }
    this.controls.minDistance = 1;
    this.controls.maxDistance = 20 * this.reach;
    this.controls.addEventListener("change", moved);
    /** Share of a panel's height that heading and colour bar leave. */
    this.free = 1;
    this.fit();
  }

  /** The camera to draw and to pick with. */
  get camera() {
    return this.parallel ? this.orthographic : this.perspective;
  }

  /**
   * Adapt to a panel's shape, and show as much of the box as before.
   * @param {number} width @param {number} height @param {number} whole Height of all panels, pixels.
   */
  resize(width, height, whole) {
    const before = this.#fitting();
    this.perspective.aspect = width / height;
    this.free = Math.max(0.2, (height - ABOVE - BELOW) / height);
    for (const camera of [this.perspective, this.orthographic]) {
      camera.setViewOffset(width, height, 0, 0.5 * (BELOW - ABOVE), width, height);
    }
    const { target } = this.controls;
    this.perspective.position.sub(target).multiplyScalar(this.#fitting() / before).add(target);
    // The controls take the height of both panels for that of one.
    this.controls.rotateSpeed = this.controls.panSpeed = whole / height;
    this.update();
  }

  /** Stand where the whole box is in view. */
  fit() {
    this.controls.target.set(0, 0, 0);
    const from = this.flat ? new Vector3(0, 0, 1) : new Vector3(0.62, -1, 0.42);
    this.perspective.position.copy(from.setLength(this.#fitting()));
    this.controls.update();
    this.update();
  }

  /** The distance from which the whole box is in view. */
  #fitting() {
    const { free, flat, width, height, reach } = this;
    const { aspect } = this.perspective;
    const slope = Math.tan((ANGLE * Math.PI) / 360);
    if (flat) return (0.52 * Math.max(height / free, width / aspect)) / slope;
    return (0.95 * reach) / Math.sin(Math.atan(slope * Math.min(free, aspect)));
  }

  /** Turn by angles in degrees. */
  turn(/** @type {number} */ left, /** @type {number} */ up) {
    if (this.flat) return this.shift(8 * left, 8 * up);
    this.controls.rotateLeft((left * Math.PI) / 180);
    this.controls.rotateUp((up * Math.PI) / 180);
    this.controls.update();
  }

  /** Shift by pixels. */
  shift(/** @type {number} */ right, /** @type {number} */ down) {
    this.controls.pan(right, down);
    this.controls.update();
  }

  /** Come nearer by a factor. */
  zoom(/** @type {number} */ factor) {
    this.controls.dollyOut(factor);
    this.controls.update();
  }

  /** Bring both cameras to the controls' place. */
  update() {
    const { perspective: p, orthographic: o } = this;
    const distance = p.position.distanceTo(this.controls.target);
    const away = p.position.length();
    p.near = Math.max(0.05, away - this.reach * 1.2);
    p.far = away + this.reach * 1.2;
    p.updateProjectionMatrix();
    p.updateMatrixWorld();
    const height = distance * Math.tan((ANGLE * Math.PI) / 360);
    [o.top, o.bottom, o.left, o.right] = [height, -height, -height * p.aspect, height * p.aspect];
    [o.near, o.far] = [away - this.reach * 1.2, p.far];
    o.position.copy(p.position);
    o.quaternion.copy(p.quaternion);
    o.updateProjectionMatrix();
    o.updateMatrixWorld();
  }

  /** The direction of view. @returns {[number, number, number]} */
  ahead() {
    const d = this.camera.getWorldDirection(new Vector3());
    return [d.x, d.y, d.z];
  }
}
