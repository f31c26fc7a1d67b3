import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { hash } from "node:crypto"
import * as Consistency from "./Consistency.ts"
import { InvalidRequest } from "./EdgeErrors.ts"

// How answers of one kind look on every route.

interface Options {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

const etagOf = (seq: number): string => `"${seq}"`

/** A view of an entity: its version as strong `ETag`. */
export const versioned = (seq: number, body: object, options: Options = {}): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body, {
    status: options.status ?? 200,
    headers: { etag: etagOf(seq), "cache-control": "private, no-cache", ...options.headers }
  })

/** What a change came to: as `versioned`, with a token that a later read of a list may carry. */
export const written = (
  seen: Consistency.Seen,
  body: object,
  options: Options = {}
): HttpServerResponse.HttpServerResponse =>
  versioned(seen[2], body, {
    ...options,
    headers: { ...options.headers, "consistency-token": Consistency.tokenOf([seen]) }
  })

/** As `written`, for those who asked for no more. */
export const minimal = (seen: Consistency.Seen): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 204,
    headers: {
      etag: etagOf(seen[2]),
      "cache-control": "private, no-cache",
      "preference-applied": "return=minimal",
      "consistency-token": Consistency.tokenOf([seen])
    }
  })

export const badCursor = new InvalidRequest({
  errors: [{ parameter: "cursor", detail: "Expected the `next` of this list" }]
})

/** A page of a list, with links (RFC 8288) to the first and the next one. */
export const listed = <P extends { readonly items: ReadonlyArray<unknown>; readonly next: string | null }>(
  request: HttpServerRequest.HttpServerRequest,
  page: P
): HttpServerResponse.HttpServerResponse => {
  const link = (cursor: string | null, rel: string) => {
    const url = new URL(request.url, "http://edge")
    url.searchParams.delete("cursor")
    if (cursor !== null) url.searchParams.set("cursor", cursor)
    return `<${url.pathname}${url.search}>; rel="${rel}"`
  }
  const next = page.next === null ? [] : [link(page.next, "next")]
  return HttpServerResponse.jsonUnsafe(page, { headers: { link: [link(null, "first"), ...next].join(", ") } })
}

/** `If-None-Match` compares weakly (RFC 9110): a cache on the way may have weakened the tag. */
export const isKnown = (given: string | undefined, tag: string): boolean =>
  given !== undefined && given.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === tag)

/** As `versioned`, without the body for a client that has it. */
export const fresh = (
  request: HttpServerRequest.HttpServerRequest,
  seq: number,
  body: () => object
): HttpServerResponse.HttpServerResponse =>
  isKnown(request.headers["if-none-match"], etagOf(seq))
    ? HttpServerResponse.empty({ status: 304, headers: { etag: etagOf(seq) } })
    : versioned(seq, body())

/** As `fresh`, of a view with something beside the entity that changes without it: the tag is of both. */
export const freshBeside = (
  request: HttpServerRequest.HttpServerRequest,
  seq: number,
  body: object
): HttpServerResponse.HttpServerResponse => {
  const etag = `"${seq}-${hash("sha256", JSON.stringify(body), "base64url").slice(0, 11)}"`
  return isKnown(request.headers["if-none-match"], etag)
    ? HttpServerResponse.empty({ status: 304, headers: { etag } })
    : versioned(seq, body, { headers: { etag } })
}
