import { Context, Effect } from "effect"
import { HttpServerError, HttpServerRequest, type HttpServerResponse, UrlParams } from "effect/http"
import * as JsonText from "../JsonText.ts"

const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i

const refused = (request: HttpServerRequest.HttpServerRequest, cause: JsonText.JsonRefused) =>
  new HttpServerError.HttpServerError({
    reason: new HttpServerError.RequestParseError({ request, reason: "Parse", cause })
  })
const notUtf8 = new JsonText.JsonRefused({ pointer: "", detail: "The body is not UTF-8" })

/** A body without a type is taken for JSON. */
const typeOf = ({ headers }: HttpServerRequest.HttpServerRequest): string =>
  headers["content-type"] ?? "application/json"

const utf8 = new TextDecoder("utf-8", { fatal: true })
/** A leading `?` belongs to the first name of a form, which `URLSearchParams` would drop. */
const formOf = (text: string) => UrlParams.fromInput(new URLSearchParams(text.replace(/^\?/, "%3F")))

/** The request, whose body as text, JSON or form is what was sent or an error: no byte is replaced, no member dropped. */
const strict = (request: HttpServerRequest.HttpServerRequest): HttpServerRequest.HttpServerRequest => {
  let known: JsonText.JsonRefused | string | undefined
  const read = (bytes: ArrayBuffer): JsonText.JsonRefused | string => {
    try {
      const text = utf8.decode(bytes)
      return (isJson.test(typeOf(request)) ? JsonText.faultOf(text) : undefined) ?? text
    } catch {
      return notUtf8
    }
  }
  const text = Effect.flatMap(request.arrayBuffer, (bytes) => {
    known ??= read(bytes)
    return typeof known === "string" ? Effect.succeed(known) : Effect.fail(refused(request, known))
  })
  const urlParamsBody = Effect.flatMap(text, (form) =>
    Effect.try({
      try: () => {
        // Escapes are to be UTF-8 too.
        decodeURIComponent(form)
        return formOf(form)
      },
      catch: () => refused(request, notUtf8)
    })
  )
  return Object.create(request, {
    text: { value: text },
    urlParamsBody: { value: urlParamsBody }
  }) as HttpServerRequest.HttpServerRequest
}

/** Hands requests that may have a body to the application with one that is read strictly. */
export const withStrictBody = <E, R>(
  application: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.withFiber((fiber) => {
    const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    return request.method === "GET" || request.method === "HEAD"
      ? application
      : Effect.provideService(application, HttpServerRequest.HttpServerRequest, strict(request))
  })
