import { domains } from "@halles/entities/Domains"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { defineConfig, type Plugin } from "vite"

/** Each text file also as `.br` and `.gz`, so that the operator process never compresses. */
const compressed = (): Plugin => ({
  name: "compressed",
  apply: "build",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        const source = file.type === "chunk" ? file.code : file.source
        this.emitFile({ type: "asset", fileName: `${fileName}.br`, source: brotliCompressSync(source) })
        this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source: gzipSync(source, { level: 9 }) })
      }
    }
  }
})

export default defineConfig({
  root: import.meta.dirname,
  // The policy of the page allows neither inline scripts nor data: addresses.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The page is a browser's: it can read names of the domains, and nothing else of them.
  define: { __DOMAINS__: JSON.stringify(domains.toReversed().map(({ isSaga, type }) => ({ type, isSaga }))) },
  plugins: [compressed()]
})
