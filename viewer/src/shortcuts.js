// What the keyboard does, in one table: the keys obey it and the help shows it.

/**
 * @typedef {{keys: string[], shown: string, does: string, run: (event: KeyboardEvent) => void}} Shortcut
 */

/** Obey the table wherever no field is being typed into. */
export function listen(/** @type {Shortcut[]} */ shortcuts) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (takes(event.target, event.key)) return;
    const found = shortcuts.find(({ keys }) => keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** Whether a field has its own use for a key. */
function takes(/** @type {EventTarget|null} */ target, /** @type {string} */ key) {
  if (key === " " && !(target instanceof HTMLBodyElement || target instanceof HTMLCanvasElement)) return true;
  if (target instanceof HTMLSelectElement) return key.length === 1 || key.startsWith("Arrow");
  if (!(target instanceof HTMLInputElement)) return false;
  if (target.type === "range") return key.startsWith("Arrow");
  return target.type === "number" && (key.startsWith("Arrow") || /^[\d.eE+-]$/.test(key));
}

/** Write the table into the help. */
export function describe(/** @type {HTMLElement} */ list, /** @type {Shortcut[]} */ shortcuts) {
  list.replaceChildren(
    ...shortcuts.flatMap(({ shown, does }) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      term.append(...shown.split(" ").map((key) => Object.assign(document.createElement("kbd"), { textContent: key })));
      text.textContent = does;
      return [term, text];
    }),
  );
}
