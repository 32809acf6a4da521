// Which particle lies under the pointer.

/**
 * The nearest particle that a ray meets, or null.
 * @param {import("./scene.js").Scene} scene @param {Uint32Array} particles Those shown.
 * @param {import("three").Ray} ray With the box's middle at the origin. @param {number} size Of the spheres.
 */
export function pick(scene, particles, ray, size) {
  const { positions, species, box, metadata } = scene;
  const { origin: o, direction: d } = ray;
  let best = null;
  let nearest = Infinity;
  for (const i of particles) {
    const x = positions[3 * i] - 0.5 * box[0] - o.x;
    const y = positions[3 * i + 1] - 0.5 * box[1] - o.y;
    const z = positions[3 * i + 2] - 0.5 * box[2] - o.z;
    const radius = metadata.radii[species[i]] * size;
    const along = x * d.x + y * d.y + z * d.z;
    const rest = radius * radius - (x * x + y * y + z * z - along * along);
    if (rest < 0) continue;
    const distance = along - Math.sqrt(rest);
    if (distance > 0 && distance < nearest) {
      nearest = distance;
      best = i;
    }
  }
  return best;
}
