// Writes the bundle that the Python package ships: the same bytes from the same sources.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL("./", import.meta.url);
const target = new URL("../src/glassbotan/figures/viewer/", here);
const read = (/** @type {string} */ name) => readFileSync(new URL(name, here), "utf8");

/** SHA-256 over names and contents of the lock file, this file and the sources, by name. */
function sourceDigest() {
  const names = ["build.mjs", "package-lock.json", ...readdirSync(new URL("src/", here)).map((n) => `src/${n}`)];
  const digest = createHash("sha256");
  for (const name of names.sort()) digest.update(`${name}\0${read(name)}\0`);
  return digest.digest("hex");
}

const three = JSON.parse(read("node_modules/three/package.json"));
const banner = `/*! glassbotan viewer, sources sha256:${sourceDigest()}
 * Contains three.js ${three.version}, Copyright three.js authors, MIT licence (THIRD-PARTY.txt). */`;

const result = await build({
  absWorkingDir: decodeURIComponent(here.pathname),
  entryPoints: ["src/main.js"],
  bundle: true,
  minify: true,
  write: false,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  legalComments: "inline",
  banner: { js: banner },
});
writeFileSync(new URL("viewer.js", target), result.outputFiles[0].contents);
writeFileSync(
  new URL("THIRD-PARTY.txt", target),
  `viewer.js contains three.js ${three.version} (https://threejs.org), under this licence:\n\n` +
    read("node_modules/three/LICENSE").trim() + "\n",
);
console.log(`viewer.js: ${Math.round(result.outputFiles[0].contents.length / 1000)} kB`);
