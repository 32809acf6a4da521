// The edges of the periodic box, and the directions of its axes.
import { BufferAttribute, BufferGeometry, LineBasicMaterial, LineSegments, Vector3 } from "three";

/** @param {number[]} box @param {boolean} flat */
export function boxEdges(box, flat) {
  const [x, y, z] = box.map((edge) => 0.5 * edge);
  /** @type {number[]} */
  const points = [];
  const line = (/** @type {number[]} */ a, /** @type {number[]} */ b) => points.push(...a, ...b);
  for (const s of flat ? [0] : [-z, z]) {
    line([-x, -y, s], [x, -y, s]);
    line([x, -y, s], [x, y, s]);
    line([x, y, s], [-x, y, s]);
    line([-x, y, s], [-x, -y, s]);
  }
  if (!flat) for (const a of [-x, x]) for (const b of [-y, y]) line([a, b, -z], [a, b, z]);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(points), 3));
  return new LineSegments(geometry, new LineBasicMaterial());
}

/**
 * Where the tips of the axes lie on the screen, y downwards, unit length.
 * @param {import("three").Camera} camera @param {boolean} flat
 */
export function axisTips(camera, flat) {
  const turn = camera.quaternion.clone().invert();
  return ["x", "y", "z"].slice(0, flat ? 2 : 3).map((name, k) => {
    const tip = new Vector3().setComponent(k, 1).applyQuaternion(turn);
    return { name, x: tip.x, y: -tip.y, depth: tip.z };
  });
}
