// What is on the stage, with its headings and colour bars, as a PNG.
import { drawLegend, FONT } from "./legend.js";
import { drawTriad } from "./triad.js";

/** Pixels of the picture for each of the page. */
const FINE = 2;

/**
 * @param {import("./stage.js").Stage} stage
 * @param {{heading: string, legend: import("./legend.js").Legend}[]} panels Of the open panels.
 * @param {import("./theme.js").Theme} theme
 * @param {{name: string, x: number, y: number, depth: number}[]} tips Of the axes.
 * @returns {HTMLCanvasElement}
 */
export function picture(stage, panels, theme, tips) {
  const { canvas, renderer } = stage;
  const { clientWidth: width, clientHeight: height } = canvas;
  const result = document.createElement("canvas");
  result.width = width * FINE;
  result.height = height * FINE;
  const context = /** @type {CanvasRenderingContext2D} */ (result.getContext("2d"));
  renderer.setPixelRatio(FINE);
  stage.moving = false;
  stage.render();
  context.drawImage(canvas, 0, 0, result.width, result.height);
  renderer.setPixelRatio(stage.ratio());
  stage.render();
  context.scale(FINE, FINE);
  const whole = canvas.getBoundingClientRect();
  stage.open.forEach(({ frame }, k) => {
    const box = frame.getBoundingClientRect();
    context.save();
    context.translate(box.left - whole.left, box.top - whole.top);
    drawHeading(context, panels[k].heading, box.width, theme);
    at(context, box, frame.querySelector(".legend"), ({ width }) =>
      drawLegend(context, width, panels[k].legend, theme, stage.scene.metadata.colours));
    at(context, box, frame.querySelector(".triad"), ({ width, height }) => {
      context.translate(width / 2, height / 2);
      drawTriad(context, tips, theme);
    });
    context.restore();
  });
  return result;
}

/**
 * Draw where an element of the page stands in its panel, if there is one.
 * @param {CanvasRenderingContext2D} context @param {DOMRect} panel @param {Element|null} element
 * @param {(box: DOMRect) => void} draw
 */
function at(context, panel, element, draw) {
  if (!element) return;
  const box = element.getBoundingClientRect();
  context.save();
  context.translate(box.left - panel.left, box.top - panel.top);
  draw(box);
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} width @param {{ink: string}} theme */
function drawHeading(context, text, width, theme) {
  context.font = `600 14px ${FONT}`;
  context.fillStyle = theme.ink;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillText(text, 16, 26, width - 32);
}

/** Offer a canvas as a file to keep. */
export function save(/** @type {HTMLCanvasElement} */ canvas, /** @type {string} */ name) {
  canvas.toBlob((blob) => {
    if (!blob) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}
