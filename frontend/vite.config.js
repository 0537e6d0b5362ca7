import { readFile, readdir, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

const outDir = "../src/greenroom/web/static/build";
const compressible = new Set([".css", ".js", ".svg"]);

/** Writes .gz and .br beside every text asset, once, so that the server never compresses while it serves. */
function precompress() {
  const byGzip = promisify(gzip);
  const byBrotli = promisify(brotliCompress);
  return {
    name: "greenroom:precompress",
    apply: "build",
    async closeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      const assets = entries.filter((entry) => entry.isFile() && compressible.has(extname(entry.name)));
      await Promise.all(assets.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const content = await readFile(path);
        await writeFile(`${path}.gz`, await byGzip(content, { level: 9 }));
        await writeFile(`${path}.br`, await byBrotli(content, {
          params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
        }));
      }));
    },
  };
}

export default defineConfig({
  base: "/static/build/",
  plugins: [tailwindcss(), precompress()],
  build: {
    outDir,
    emptyOutDir: true,
    manifest: "manifest.json",
    // The policy allows no data: address, so nothing is inlined however small it is.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // What Tailwind 4 needs anyway: these know oklch and color-mix, so no second copy of every colour is shipped.
    cssTarget: ["chrome111", "firefox128", "safari16.4"],
    rollupOptions: { input: { app: "src/app.ts", schedule: "src/schedule.ts" } },
  },
});
