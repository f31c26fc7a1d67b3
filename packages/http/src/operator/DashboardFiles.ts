import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse, Mime } from "effect/http"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { always } from "@halles/shared/listener/ListenerRefusal"

/** The page runs our own scripts and styles and talks to us alone; nothing is inline, nobody frames it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** What the build compressed, by what a browser says it takes, the smallest first. */
const encodings = { br: ".br", gzip: ".gz" } as const

const year = 31_536_000

interface File {
  readonly path: string
  readonly type: string
  readonly etag: string
  readonly bodies: ReadonlyMap<string, Uint8Array>
}

const read = (directory: string, name: string): File => {
  const body = readFileSync(join(directory, name))
  const compressed = Object.entries(encodings).flatMap(([encoding, suffix]) => {
    const path = join(directory, `${name}${suffix}`)
    return existsSync(path) ? [[encoding, readFileSync(path)] as const] : []
  })
  return {
    path: `/${name}`,
    type: Option.getOrElse(Mime.getType(name), () => "application/octet-stream"),
    etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
    bodies: new Map([...compressed, ["identity", body]])
  }
}

/** All files of the build; those that begin with a dot are the build's own, compressed ones belong to their originals. */
const filesOf = (directory: string): ReadonlyArray<File> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^\.|\.(br|gz)$/.test(entry.name))
    .map((entry) => read(directory, join(entry.parentPath, entry.name).slice(directory.length + 1)))

const answer = (file: File, { headers }: HttpServerRequest.HttpServerRequest) => {
  const kept = {
    ...always,
    etag: file.etag,
    vary: "accept-encoding",
    "content-security-policy": policy,
    // A file below assets has its content in its name; the others are asked for again, and answered with 304.
    "cache-control": file.path.startsWith("/assets/") ? `public, max-age=${year}, immutable` : "no-cache"
  }
  if (headers["if-none-match"] === file.etag) return HttpServerResponse.empty({ status: 304, headers: kept })
  const taken = (headers["accept-encoding"] ?? "").split(",").map((one) => one.trim())
  const encoding = [...file.bodies.keys()].find((name) => taken.includes(name)) ?? "identity"
  return HttpServerResponse.uint8Array(file.bodies.get(encoding)!, {
    contentType: file.type,
    headers: { ...kept, ...(encoding === "identity" ? {} : { "content-encoding": encoding }) }
  })
}

const missing = HttpServerResponse.text(
  "The page of the operators is not built. `npm start` builds it; npx halles --help shows the same in a terminal.\n",
  { status: 503, headers: always }
)

/** The page of the operators, as its build left it in a directory; read once, so that a new build shows after a restart. */
export const dashboardFiles = (directory: string) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const files = existsSync(join(directory, "index.html")) ? filesOf(directory) : []
      if (files.length === 0) yield* router.add("GET", "/", missing)
      for (const file of files) {
        const answered = Effect.map(HttpServerRequest.HttpServerRequest, (request) => answer(file, request))
        yield* router.add("GET", file.path === "/index.html" ? "/" : (file.path as `/${string}`), answered)
      }
    })
  )
