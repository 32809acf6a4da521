// Numbers for people.

/** Four significant digits, a true minus sign, and powers of ten where they are needed. */
export function format(/** @type {number} */ value, digits = 4) {
  if (!Number.isFinite(value)) return "unknown";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(digits - 1).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
}

/** A number with its unit. */
export function withUnit(/** @type {number} */ value, /** @type {string} */ unit) {
  return Number.isFinite(value) && unit ? `${format(value)} ${unit}` : format(value);
}

/** Round numbers between two ends, at most `most` of them. */
export function ticks(/** @type {number} */ low, /** @type {number} */ high, most = 6) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 2.5, 5, 10, 20].map((k) => k * power).find((s) => span / s <= most - 1) ?? span;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}
