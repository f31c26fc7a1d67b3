import { Context, Layer, Redacted } from "effect"
import { createHmac, hash, randomBytes } from "node:crypto"

/** What somebody wants once, however often it is asked for. */
export interface Intent {
  /**
   * 256 bits in 43 characters: the same for the same request of the same sender under the same key, at every process, and
   * for nobody else to compute. `about` stands in for the body where a request wants several things that are each their own.
   */
  readonly name: (purpose: string, about?: unknown) => string
}

/** What two requests have in common if they are one intent. */
export interface IntentRequest {
  /** The subject of the credential; `null` for who has none and is known by nothing but the key. */
  readonly sender: string | null
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** As it was sent; empty without one. */
  readonly body: string
  readonly key: string
}

/** No body of ours nests deeper; one that does is refused by its schema, and must not exhaust the stack before. */
const depthMax = 64

const sorted = (value: unknown, depth = 0): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (depth === depthMax) return "deeper"
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1))
  const members = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    Object.keys(members)
      .toSorted()
      .map((key) => [key, sorted(members[key], depth + 1)])
  )
}

/** JSON with its keys in order: white space and key order make no other value of it. */
const canonical = (value: unknown): string => JSON.stringify(sorted(value)) ?? ""

/** SHA-256 of a body in that form. */
export const fingerprint = (body: object): string => hash("sha256", canonical(body), "base64url")

const bodyOf = (text: string): ReadonlyArray<string> => {
  try {
    return ["json", canonical(JSON.parse(text))]
  } catch {
    return ["text", text]
  }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
/** Segments and parameters without their escapes; the order of parameters says nothing. */
const placeOf = (url: string): ReadonlyArray<unknown> => {
  const { pathname, searchParams } = new URL(url, "http://edge")
  searchParams.sort()
  return [pathname.split("/").map(decoded), [...searchParams]]
}

/** Nobody can repeat this one: each name is new. */
export const once: Intent = { name: () => randomBytes(32).toString("base64url") }

/** Of the current request. */
export const CurrentIntent = Context.Reference<Intent>("@halles/shared/CurrentIntent", { defaultValue: () => once })

/**
 * Names commands and new entities after what was asked for. Without the secret nobody finds a name, whatever is known or
 * guessed of the request: the id of a guest's cart is as good as random to all but its sender.
 */
export class Intents extends Context.Service<
  Intents,
  {
    readonly of: (intended: IntentRequest) => Intent
    /** Where it is kept what became of a key: one place for all that a sender asks under it. */
    readonly placeOf: (intended: IntentRequest) => string
  }
>()("@halles/shared/Intents") {
  static readonly make = (secret: Redacted.Redacted): Intents["Service"] => {
    const mac = (parts: ReadonlyArray<unknown>): string =>
      createHmac("sha256", Redacted.value(secret)).update(JSON.stringify(parts)).digest("base64url")
    return {
      of: ({ body, key, method, sender, url }) => {
        const request = ["name", sender, key, method, placeOf(url)]
        let whole: ReadonlyArray<string> | undefined
        const what = (about: unknown) => (about === undefined ? (whole ??= bodyOf(body)) : ["about", canonical(about)])
        return { name: (purpose, about) => mac([...request, ...what(about), purpose]) }
      },
      // Whoever has no name is known by the path, which is a secret of its own or comes with a key that is.
      placeOf: ({ key, sender, url }) => mac(["place", sender, key, ...(sender === null ? [placeOf(url)] : [])])
    }
  }

  static readonly layer = (secret: Redacted.Redacted): Layer.Layer<Intents> =>
    Layer.sync(Intents, () => Intents.make(secret))
}
