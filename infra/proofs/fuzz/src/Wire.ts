import * as JsonText from "@halles/shared/JsonText"
import { Agent, request as httpRequest } from "node:http"
import { limits, placed, withNumbers } from "./Bounds.ts"
import type { Route } from "./Contract.ts"
import { type Break, key, type Plan } from "./Requests.ts"
import { Known } from "./Values.ts"
import type { Credential, World } from "./World.ts"

/** A request as it goes over the wire. */
export interface Sent {
  readonly route: Route
  readonly method: string
  readonly target: string
  /** Pairs, since a header may come twice. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  /** Characters of target, names and values, and how many headers there are. */
  readonly head: { readonly bytes: number; readonly count: number }
  readonly body: Buffer | undefined
  /** The connection ends in the middle of the body. */
  readonly aborted: boolean
  readonly credential: string
  /** By the document alone: whether it follows it, breaks it in a parameter or in the body, or is beyond telling. */
  readonly by: "contract" | "violation" | "beyond"
  /** Whether it goes to the route that it was made for. */
  readonly routed: boolean
}

/** What came back. */
export interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  /** The stream was still open when we left it. */
  readonly open: boolean
  readonly ms: number
}

/** With `together` all that is known is taken from the same place of each list, so that a message is one of its endpoint. */
const settle = (value: unknown, world: World, together: number | null): unknown => {
  if (value instanceof Known) {
    return world.pick(value.name, together ?? value.pick, value.route) ?? settle(value.otherwise, world, together)
  }
  if (Array.isArray(value)) return value.map((item) => settle(item, world, together))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, settle(member, world, together)]))
}

const textOf = (value: unknown): string =>
  withNumbers(typeof value === "string" ? value : (JSON.stringify(value) ?? ""))
/** Node sends nothing else in a header. */
const headerText = (value: unknown): string =>
  textOf(value)
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .trim()
/** As the document's integers are written in a query: without zeros in front, and nought without a sign. */
const number = /^(?:0|-?[1-9]\d*)$/
const typed = (text: string, type: unknown): unknown =>
  (type === "integer" || type === "number") && number.test(text) ? Number(text) : text

/** Every place inside of a body where something can be put. */
const places = (value: unknown): ReadonlyArray<{ readonly holder: Record<string, unknown>; readonly name: string }> =>
  typeof value !== "object" || value === null
    ? []
    : Object.keys(value).flatMap((name) => [
        { holder: value as Record<string, unknown>, name },
        ...places((value as Record<string, unknown>)[name])
      ])

const breakBody = (body: unknown, { how, name, pick, value }: Extract<Break, { at: "member" }>): unknown => {
  const copy = structuredClone({ body })
  const all = places(copy)
  if (how === "add") {
    const holders = all.map(({ holder, name }) => holder[name]).filter((inner) => typeof inner === "object")
    const holder = holders[pick % Math.max(1, holders.length)] as Record<string, unknown> | null | undefined
    if (holder !== null && holder !== undefined && !Array.isArray(holder)) {
      // An assignment to `__proto__` would not make a member of it.
      Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
    }
    return copy.body
  }
  const place = all[pick % all.length]
  if (place === undefined) return copy.body
  if (how === "replace") place.holder[place.name] = value
  else if (Array.isArray(place.holder)) place.holder.splice(Number(place.name), 1)
  else delete place.holder[place.name]
  return copy.body
}

const breakText = (text: Buffer, how: Extract<Break, { at: "text" }>["how"], pick: number): Buffer => {
  switch (how) {
    case "aborted":
      return text
    case "cut":
      return text.subarray(0, pick % Math.max(1, text.length))
    case "empty":
      return Buffer.alloc(0)
    case "garbage":
      return Buffer.from("{]\u0000".repeat(1 + (pick % 50)))
    case "deep": {
      const levels = [limits.levels - 1, limits.levels, limits.levels + 1, 1_000, 10_000][pick % 5]!
      const [open, close] = pick % 2 === 0 ? ['{"a":', "}"] : ["[", "]"]
      return Buffer.from(`${open.repeat(levels)}1${close.repeat(levels)}`)
    }
    case "large":
      return Buffer.from(`{"a":"${"x".repeat(300_000)}"}`)
    case "invalid_utf8":
      return Buffer.concat([text.subarray(0, text.length - 1), Buffer.from([0xff, 0xc0, 0x80]), text.subarray(-1)])
  }
}

/** Blanks mean nothing behind JSON, and lines of nothing but blanks are no rows. */
const padded = (body: Buffer, to: number): Buffer =>
  Buffer.concat([body, Buffer.alloc(Math.max(0, to - body.length), " ")])

const headOf = (target: string, headers: Sent["headers"]): Sent["head"] => ({
  bytes: headers.reduce((sum, [name, value]) => sum + name.length + value.length, target.length),
  count: headers.length
})
/** Methods that say nothing of a body when they have none. */
const bodyless = new Set(["GET", "HEAD", "OPTIONS"])
const fillerMax = 3_000
/** Headers that nobody asks for, until all of them are so many, or the head has so many bytes. */
const fillers = (
  target: string,
  headers: Sent["headers"],
  { of, to }: Extract<Break, { at: "size" }>
): Sent["headers"] => {
  const { bytes, count } = headOf(target, headers)
  if (of === "headers") return Array.from({ length: Math.max(0, to - count) }, (_, at) => [`x-${at}`, "1"] as const)
  const name = "x-filler"
  const all: Array<readonly [string, string]> = []
  if (of !== "head") return all
  for (let left = to - bytes; left > name.length;) {
    const length = Math.min(fillerMax, left - name.length)
    all.push([name, "f".repeat(length)])
    left -= name.length + length
  }
  return all
}

/** Makes a plan into a request to a host, with what the edge has told. */
export const prepare = (plan: Plan, world: World, credentials: ReadonlyArray<Credential>, host = "127.0.0.1"): Sent => {
  const { breaks, route } = plan
  const given = new Map(
    Object.entries(plan.parameters).map(([name, value]) => [name, settle(value, world, plan.together)])
  )
  const at = <A extends Break["at"]>(kind: A) =>
    breaks.filter((one): one is Extract<Break, { at: A }> => one.at === kind)
  const nth = (pick: number) => route.parameters[pick % Math.max(1, route.parameters.length)]
  for (const { pick, value } of at("parameter")) if (nth(pick) !== undefined) given.set(key(nth(pick)!), value)
  for (const { place, value } of at("bound"))
    if (typeof place === "string") given.set(place, settle(value, world, plan.together))
  for (const { pick } of at("absent"))
    if (nth(pick) !== undefined && nth(pick)!.in !== "path") given.delete(key(nth(pick)!))

  let fits = true
  let vague = false
  const value = (name: string) => given.get(name)
  let path = route.path
  const query: Array<string> = []
  const headers: Array<readonly [string, string]> = []
  for (const parameter of route.parameters) {
    const name = key(parameter)
    if (!given.has(name)) {
      if (parameter.required) fits = false
      continue
    }
    const text = parameter.in === "header" ? headerText(value(name)) : textOf(value(name)).toWellFormed()
    if (parameter.fits(typed(text, parameter.schema["type"])) !== undefined) fits = false
    if (parameter.in === "path") {
      // An empty segment, or one that URLs give a meaning of their own, is another path.
      if (text === "" || text === "." || text === "..") vague = true
      path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(text))
    } else if (parameter.in === "query") query.push(`${parameter.name}=${encodeURIComponent(text)}`)
    else headers.push([parameter.name, text])
  }
  for (const { name, value } of at("query"))
    query.push(`${name}=${/^%[\x21-\x7e]*$/.test(value) ? value : encodeURIComponent(value)}`)
  for (const { pick, value } of at("twice")) {
    const parameter = nth(pick)
    if (parameter?.in === "header") headers.push([parameter.name, headerText(value)])
    if (parameter?.in === "query") query.push(`${parameter.name}=${encodeURIComponent(textOf(value))}`)
  }
  for (const { name, value } of at("header")) headers.push([name, headerText(value)])

  let body: Buffer | undefined
  if (plan.type !== undefined) {
    const { fits: fitsBody, schema } = route.bodies[plan.type]!
    let content = settle(plan.body, world, plan.together)
    if (schema["type"] === "string") {
      // A body that is no JSON is the document's example, about things that are there.
      const example = textOf(content).replaceAll(exampleId, (id) =>
        textOf(world.pick("orders.id", plan.credential) ?? id)
      )
      body = Buffer.from(example)
    } else {
      for (const { place, value } of at("bound"))
        if (typeof place !== "string") content = placed(content, place, settle(value, world, plan.together))
      for (const one of at("member")) content = breakBody(content, one)
      const text = withNumbers(JSON.stringify(content) ?? "null")
      // What could mean two things, or cannot be kept, is refused whatever the document says of its form.
      if (fitsBody(JSON.parse(text)) !== undefined || JsonText.faultOf(text) !== undefined) fits = false
      body = Buffer.from(text)
    }
    for (const { how, pick } of at("text")) body = breakText(body, how, pick)
    for (const { of, to } of at("size")) if (of === "body") body = padded(body, to)
    if (schema["type"] !== "string" && body.length > limits.bodyBytes) fits = false
    headers.push(["content-type", at("type").at(-1)?.value ?? plan.type])
  }
  const credential = credentials[plan.credential % credentials.length]!
  const own = Object.entries(credential.headers({ route, body: body?.toString("utf8") }))
  // A body where none is asked for is not looked at.
  for (const { of, to } of at("size")) if (of === "body" && route.method !== "GET") body ??= Buffer.alloc(to, " ")
  const aborted = body !== undefined && at("text").some(({ how }) => how === "aborted")
  const isChunked = body !== undefined && at("chunked").length > 0
  const method = at("method").at(-1)?.value ?? route.method
  const suffix = at("path").at(-1)?.value ?? ""
  const routed = suffix === "" && method === route.method && !vague
  const stray = body !== undefined && plan.type === undefined
  // Some routes refuse parameters that they do not know.
  const filled = at("size").some(({ of }) => of === "target")
  const beyond =
    !routed || stray || filled || breaks.some(({ at }) => ["twice", "query", "header", "text", "type"].includes(at))
  let target = `${path}${suffix}${query.length === 0 ? "" : `${suffix.includes("?") ? "&" : "?"}${query.join("&")}`}`
  for (const { of, to } of at("size")) {
    const name = `${target.includes("?") ? "&" : "?"}filler=`
    if (of === "target") target += `${name}${"f".repeat(Math.max(0, to - target.length - name.length))}`
  }
  const sentHeaders = [
    ...headers.filter(([name]) => !own.some(([replaced]) => replaced === name)),
    ...own,
    ["host", host] as const,
    ["connection", aborted ? "close" : "keep-alive"] as const,
    ...(isChunked ? [["transfer-encoding", "chunked"] as const] : []),
    ...(isChunked || (body === undefined && bodyless.has(method))
      ? []
      : [["content-length", String(body?.length ?? 0)] as const])
  ]
  for (const one of at("size")) sentHeaders.push(...fillers(target, sentHeaders, one))
  const head = headOf(target, sentHeaders)
  const isLarge = target.length > limits.targetBytes || head.count > limits.headers || head.bytes >= limits.headBytes
  return {
    route,
    method,
    target,
    headers: sentHeaders,
    head,
    body,
    aborted,
    credential: credential.name,
    by: isLarge ? "violation" : beyond ? "beyond" : fits ? "contract" : "violation",
    routed
  }
}

/** As they stand in the examples of bodies that are no JSON. */
const exampleId = /\b(eu|am|ap)_[A-Za-z0-9_-]{22}\b/g

const bytesMax = 4 * 1024 * 1024
/** A stream that stays open is read this long. */
const openMs = 150

/** Connections are kept, as those of real clients; one that breaks off is made anew. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Sends it and reads the answer; null where the request broke off on purpose and got none, or nothing came in time. */
export const send = (base: string, sent: Sent, deadlineMs: number): Promise<Received | null> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base)
    const since = performance.now()
    const outgoing = httpRequest({
      agent: sent.aborted ? false : agent,
      hostname,
      port,
      method: sent.method,
      path: sent.target,
      headers: sent.headers.flat()
    })
    const timer = setTimeout(() => {
      resolve(null)
      outgoing.destroy()
    }, deadlineMs)
    const finish = (received: Received | null) => {
      clearTimeout(timer)
      resolve(received)
    }
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      if (sent.aborted) return resolve(null)
      // The server may close before it has read a body that it refuses: its answer has come, or the request is sent again.
      reject(error)
    })
    outgoing.on("response", (response) => {
      const parts: Array<Buffer> = []
      const ms = performance.now() - since
      let length = 0
      const received = (open: boolean): Received => ({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: Buffer.concat(parts).toString("utf8"),
        open,
        ms
      })
      const leave = () => {
        finish(received(true))
        outgoing.destroy()
      }
      const stream = response.headers["content-type"]?.startsWith("text/event-stream") === true
      const patience = stream ? setTimeout(leave, openMs) : undefined
      response.on("data", (part: Buffer) => {
        length += part.length
        parts.push(part)
        if (length > bytesMax) leave()
      })
      response.on("close", () => {
        clearTimeout(patience)
        finish(received(!response.complete))
      })
      response.on("error", () => undefined)
    })
    if (sent.aborted) {
      outgoing.write(sent.body!.subarray(0, Math.floor(sent.body!.length / 2)))
      setTimeout(() => outgoing.destroy(), 20)
    } else outgoing.end(sent.body)
  })
