// Light or dark: the reader's system decides, until the reader does.

/** @typedef {{paper: string, ink: string, faint: string, line: string, unknown: string}} Theme */

/** The colours of the style sheet as they are now. @returns {Theme} */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    paper: colour("paper"), ink: colour("ink"), faint: colour("faint"), line: colour("edge"), unknown: colour("unknown"),
  };
}

export function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

export function setDark(/** @type {boolean} */ dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Follow the system. */
export function startTheme() {
  setDark(matchMedia("(prefers-color-scheme: dark)").matches);
}
