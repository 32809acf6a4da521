// All particles of a panel as one mesh, drawn in a given order.
import {
  BufferAttribute, BufferGeometry, Color, CustomBlending, DataTexture, FloatType, GLSL3, Mesh, NearestFilter,
  OneFactor, RawShaderMaterial, RedFormat, RedIntegerFormat, RGBAFormat, UnsignedIntType, Vector2, ZeroFactor,
} from "three";
import { shaders } from "./shaders.js";

/** Stands for "unknown" on the graphics card, where NaN cannot be relied on. */
const UNKNOWN = 3e38;
const NOBODY = 0xffffffff;

/** Places and radii of all particles; shared by panels. */
export function placesTexture(/** @type {import("./scene.js").Scene} */ scene) {
  const { width, height } = sheet(scene.count);
  const data = new Float32Array(4 * width * height);
  for (let i = 0; i < scene.count; i++) {
    for (let axis = 0; axis < 3; axis++) {
      data[4 * i + axis] = scene.positions[3 * i + axis] - 0.5 * scene.box[axis];
    }
    data[4 * i + 3] = scene.metadata.radii[scene.species[i]];
  }
  return texture(new DataTexture(data, width, height, RGBAFormat, FloatType));
}

/** The spheres of one panel. */
export class Spheres {
  /**
   * @param {number} count @param {DataTexture} places @param {boolean} smooth
   */
  constructor(count, places, smooth) {
    const { width, height } = sheet(count);
    this.values = texture(new DataTexture(new Float32Array(width * height), width, height, RedFormat, FloatType));
    this.order = texture(new DataTexture(new Uint32Array(width * height), width, height, RedIntegerFormat, UnsignedIntType));
    this.order.internalFormat = "R32UI";
    this.geometry = new BufferGeometry();
    this.geometry.setIndex(new BufferAttribute(squares(count), 1));
    this.uniforms = {
      places: { value: places },
      values: { value: this.values },
      order: { value: this.order },
      colours: { value: /** @type {DataTexture|null} */ (null) },
      limits: { value: new Vector2(0, 1) },
      unknown: { value: new Color() },
      ring: { value: new Color() },
      marked: { value: NOBODY },
      parallel: { value: 0 },
      size: { value: 1 },
    };
    const material = (/** @type {boolean} */ round) => new RawShaderMaterial({
      ...shaders({ smooth, round }), uniforms: this.uniforms, glslVersion: GLSL3, alphaToCoverage: smooth,
      // A soft edge tells how many samples it covers; the page must not shine through it as well.
      blending: CustomBlending, blendSrc: OneFactor, blendDst: ZeroFactor,
      blendSrcAlpha: ZeroFactor, blendDstAlpha: OneFactor,
    });
    this.round = material(true);
    this.fast = material(false);
    this.mesh = new Mesh(this.geometry, this.round);
    this.mesh.frustumCulled = false;
  }

  /** @param {Float32Array|null} values Of all particles; null: not known. */
  setValues(values) {
    const data = /** @type {Float32Array} */ (this.values.image.data);
    if (values) for (let i = 0; i < values.length; i++) data[i] = Number.isFinite(values[i]) ? values[i] : UNKNOWN;
    else data.fill(UNKNOWN);
    this.values.needsUpdate = true;
  }

  /** @param {Uint32Array} particles Those to draw, first to last. */
  setOrder(particles) {
    /** @type {Uint32Array} */ (this.order.image.data).set(particles);
    this.order.needsUpdate = true;
    this.geometry.setDrawRange(0, 6 * particles.length);
  }

  /** Draw a ring around one particle, or around none. */
  mark(/** @type {number|null} */ particle) {
    this.uniforms.marked.value = particle ?? NOBODY;
  }
}

function sheet(/** @type {number} */ count) {
  const width = Math.min(2048, Math.max(1, Math.ceil(Math.sqrt(count))));
  return { width, height: Math.ceil(count / width) };
}

/** Two triangles for each particle; the shader knows a corner by its number alone. */
function squares(/** @type {number} */ count) {
  const corners = new Uint32Array(6 * count);
  for (let i = 0; i < count; i++) corners.set([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 2, 4 * i + 1, 4 * i + 3], 6 * i);
  return corners;
}

function texture(/** @type {DataTexture} */ plain) {
  plain.minFilter = plain.magFilter = NearestFilter;
  plain.needsUpdate = true;
  return plain;
}
