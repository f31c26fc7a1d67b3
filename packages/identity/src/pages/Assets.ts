import { Effect } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { readFileSync } from "node:fs"

const types = { "style.css": "text/css", "passkey.js": "text/javascript", "mark.svg": "image/svg+xml" } as const

/** The files that pages name: a style sheet, the script of passkeys and the mark. Read once. */
export const Assets = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    for (const [name, type] of Object.entries(types)) {
      const text = readFileSync(new URL(`../../assets/${name}`, import.meta.url), "utf8")
      yield* router.add(
        "GET",
        `/assets/${name}`,
        HttpServerResponse.text(text, {
          contentType: `${type}; charset=utf-8`,
          headers: { "cache-control": "public, max-age=300", "x-content-type-options": "nosniff" }
        })
      )
    }
  })
)
