// The little cross of axes in a panel's corner.
import { FONT } from "./legend.js";

export const TRIAD = 64;

/**
 * Draw around a context's origin.
 * @param {CanvasRenderingContext2D} context
 * @param {{name: string, x: number, y: number, depth: number}[]} tips @param {{ink: string, faint: string}} theme
 */
export function drawTriad(context, tips, theme) {
  context.font = `italic 12px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 1.25;
  for (const { name, x, y } of [...tips].sort((a, b) => a.depth - b.depth)) {
    context.strokeStyle = theme.faint;
    context.fillStyle = theme.ink;
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(18 * x, 18 * y);
    context.stroke();
    if (Math.hypot(x, y) > 0.2) context.fillText(name, 25 * x, 25 * y);
  }
}
