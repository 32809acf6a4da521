// What the page was given: particles, and numbers of each at each time.

/**
 * @typedef {object} Quantity
 * @property {string} group Heading under which it is offered.
 * @property {string} label What it is called.
 * @property {string} meaning What stands at the colour bar.
 * @property {string} unit
 * @property {"sequential"|"diverging"|"category"} scale
 * @property {boolean} timed Whether it belongs to times, be it to one only.
 * @property {number[]} rows For each time of the scene the row of its values, -1 where unknown;
 *   one entry for what does not depend on time.
 * @property {number} [offset] First byte of its values in the buffer.
 * @property {[number, number]} [difference] Indices of the two quantities that it is made of.
 */

/**
 * @typedef {object} Metadata
 * @property {number} form
 * @property {string} title
 * @property {string} source
 * @property {number} count
 * @property {number} dimension
 * @property {number[]} box
 * @property {string[]} species Names, by number.
 * @property {number[]} radii By species.
 * @property {number[]} times
 * @property {Quantity[]} quantities
 * @property {number} positions First byte of x, y, z of each particle in the buffer.
 * @property {number} kinds First byte of the particles' species.
 * @property {number|null} ids First byte of the particles' own numbers.
 * @property {Record<string, string>} colours 256 colours each, base64 of red, green, blue.
 * @property {Record<string, unknown>} provenance
 */

/** Particles and their quantities. */
export class Scene {
  /** @param {Metadata} metadata @param {ArrayBuffer} buffer */
  constructor(metadata, buffer) {
    const { count, dimension } = metadata;
    this.metadata = metadata;
    this.count = count;
    this.flat = dimension === 2;
    this.box = [...metadata.box, 0].slice(0, 3);
    this.times = metadata.times;
    this.quantities = metadata.quantities;
    /** x, y, z within the box. */
    this.positions = new Float32Array(buffer, metadata.positions, 3 * count);
    this.species = new Uint8Array(buffer, metadata.kinds, count);
    this.ids = metadata.ids === null ? null : new Int32Array(buffer, metadata.ids, count);
    this.buffer = buffer;
    /** @type {Map<string, Float32Array|null>} */
    this.known = new Map();
  }

  /** The number that a particle goes by: the file's own, or its place in the file from 0. */
  id(/** @type {number} */ particle) {
    return this.ids ? this.ids[particle] : particle;
  }

  /**
   * The values of all particles at a time of the scene; null where they are not known.
   * @param {number} quantity @param {number} time Index. @returns {Float32Array|null}
   */
  values(quantity, time) {
    const { rows } = this.quantities[quantity];
    const row = rows[rows.length > 1 ? time : 0];
    const key = `${quantity} ${row}`;
    let values = this.known.get(key);
    if (values === undefined) {
      values = row < 0 ? null : this.#read(quantity, row, time);
      this.known.set(key, values);
    }
    return values;
  }

  /** @param {number} quantity @param {number} row @param {number} time */
  #read(quantity, row, time) {
    const { difference, offset = 0 } = this.quantities[quantity];
    if (!difference) return new Float32Array(this.buffer, offset + 4 * row * this.count, this.count);
    const [a, b] = difference.map((k) => this.values(k, time));
    return a && b && a.map((value, i) => value - b[i]);
  }
}

/** Read the scene from the page. */
export function readScene() {
  const text = (/** @type {string} */ id) => document.getElementById(id)?.textContent ?? "";
  return new Scene(JSON.parse(text("scene")), bytes(text("data").trim()).buffer);
}

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
export function bytes(base64) {
  const binary = atob(base64);
  const result = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) result[i] = binary.charCodeAt(i);
  return result;
}
