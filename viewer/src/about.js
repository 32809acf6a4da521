// Where the page came from.

/** Write the record into a definition list. */
export function about(/** @type {HTMLElement} */ list, /** @type {import("./scene.js").Metadata} */ { provenance, source }) {
  const rows = Object.entries({ source, ...provenance }).filter(([, value]) => value !== null && value !== "");
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      text.textContent = told(value);
      return [term, text];
    }),
  );
}

/** @param {unknown} value @returns {string} */
function told(value) {
  if (Array.isArray(value)) return value.map(told).join("\n");
  if (value && typeof value === "object") {
    const { name, sha256, ...rest } = /** @type {Record<string, unknown>} */ (value);
    const more = Object.entries(rest).map(([k, v]) => `${k} ${told(v)}`);
    return [name, sha256 && `sha256 ${sha256}`, ...more].filter(Boolean).join("\n");
  }
  return String(value);
}
