// A colour bar with numbers, for the page and for the saved picture.
import { speciesColour, table } from "./colours.js";
import { format, ticks } from "./numbers.js";

const BAR = 9;

/**
 * @typedef {object} Legend
 * @property {string} label
 * @property {string} map Colour map, or "species".
 * @property {[number, number]} limits
 * @property {[boolean, boolean]} beyond Whether values lie below and above the limits.
 * @property {string[]} species
 */

/** Height that a legend takes, pixels of the page. */
export const LEGEND_HEIGHT = 46;

/**
 * Draw at a context's origin, which is the legend's upper left corner.
 * @param {CanvasRenderingContext2D} context @param {number} width @param {Legend} legend
 * @param {{ink: string, faint: string, line: string}} theme @param {Record<string, string>} stored
 */
export function drawLegend(context, width, legend, theme, stored) {
  context.font = `12px ${FONT}`;
  context.textBaseline = "alphabetic";
  context.fillStyle = theme.ink;
  context.textAlign = "center";
  if (legend.map === "species") return drawSpecies(context, width, legend, theme);
  const inset = 14;
  const length = width - 2 * inset;
  context.fillText(legend.label, width / 2, 12, width);
  drawBar(context, inset, 19, length, table(legend.map, stored).css, legend.beyond);
  context.strokeStyle = theme.line;
  context.font = `11px ${FONT}`;
  context.fillStyle = theme.ink;
  const [low, high] = legend.limits;
  for (const value of ticks(low, high, 6)) {
    const x = inset + ((value - low) / (high - low)) * length;
    context.beginPath();
    context.moveTo(x, 19 + BAR);
    context.lineTo(x, 22 + BAR);
    context.stroke();
    context.fillText(format(value), x, 34 + BAR);
  }
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/**
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} length
 * @param {string[]} colours @param {[boolean, boolean]} beyond Ends that are drawn as arrows.
 */
function drawBar(context, x, y, length, colours, beyond) {
  const step = length / colours.length;
  colours.forEach((colour, k) => {
    context.fillStyle = colour;
    context.fillRect(x + k * step, y, step + 0.6, BAR);
  });
  const arrow = (/** @type {number} */ from, /** @type {number} */ tip, /** @type {string} */ colour) => {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(tip, y + BAR / 2);
    context.lineTo(from, y + BAR);
    context.fill();
  };
  if (beyond[0]) arrow(x + 0.5, x - 8, colours[0]);
  if (beyond[1]) arrow(x + length - 0.5, x + length + 8, colours[colours.length - 1]);
  context.lineWidth = 0.75;
  context.strokeStyle = "rgb(128 128 128 / 70%)";
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + length, y);
  if (beyond[1]) context.lineTo(x + length + 8, y + BAR / 2);
  context.lineTo(x + length, y + BAR);
  context.lineTo(x, y + BAR);
  if (beyond[0]) context.lineTo(x - 8, y + BAR / 2);
  context.closePath();
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context @param {number} width @param {Legend} legend
 * @param {{ink: string}} theme
 */
function drawSpecies(context, width, { label, species }, theme) {
  context.fillText(label, width / 2, 12, width);
  const gap = Math.min(52, (width - 12) / species.length);
  species.forEach((name, k) => {
    const x = width / 2 + (k - (species.length - 1) / 2) * gap;
    context.fillStyle = speciesColour(k);
    context.beginPath();
    context.arc(x - 9, 30, 6, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = theme.ink;
    context.textAlign = "left";
    context.fillText(name, x + 2, 34);
  });
}
