import { connect } from "node:net"
import type { Answer, Question } from "./Verdict.ts"

/** What came of a request: its answer, or that the connection ended before it was whole. */
export type Outcome = Answer | "broken"

/** A connection of HTTP/1.1 on which requests are sent without waiting for answers, which come in their order. */
export interface Pipeline {
  readonly ask: (question: Question) => Promise<Outcome>
  /** Asks, and goes away before the answer is whole. */
  readonly leave: (question: Question) => void
  readonly isOpen: () => boolean
  readonly destroy: () => void
}

/** Long enough for some answers to have begun. */
export const leaveMs = 15

const newline = "\r\n"

export const bytesOf = ({ body, headers, method, path }: Question, host: string): string => {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }
  const lines = Object.entries({ host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...lines, "", body ?? ""].join(newline)
}

interface Parsed {
  readonly answer: Answer
  /** Where the next one begins. */
  readonly end: number
}

const chunked = (text: string, start: number): { readonly body: string; readonly end: number } | undefined => {
  let body = ""
  for (let at = start; ;) {
    const line = text.indexOf(newline, at)
    if (line === -1) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    const end = line + 2 + size
    if (text.length < end + 2) return undefined
    if (size === 0) return { body, end: end + 2 }
    body += text.slice(line + 2, end)
    at = end + 2
  }
}

/** The first answer in a text of one byte a character; nothing while it is not whole, `stray` for what is no answer. */
export const parse = (text: string, method: string): Parsed | "stray" | undefined => {
  const head = text.indexOf(`${newline}${newline}`)
  if (head === -1) return text.length < 12 || text.startsWith("HTTP/1.1 ") ? undefined : "stray"
  const [first = "", ...lines] = text.slice(0, head).split(newline)
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1] ?? 0)
  if (status === 0) return "stray"
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
  )
  const start = head + 4
  const whole = (body: string, end: number): Parsed => ({
    answer: { status, headers, body: Buffer.from(body, "latin1").toString() },
    end
  })
  if (method === "HEAD" || status === 204 || status === 304) return whole("", start)
  if (headers["transfer-encoding"] === "chunked") {
    const found = chunked(text, start)
    return found === undefined ? undefined : whole(found.body, found.end)
  }
  const length = Number(headers["content-length"] ?? 0)
  return text.length < start + length ? undefined : whole(text.slice(start, start + length), start + length)
}

/** `onStray` hears of bytes that answer nothing that was asked. */
export const open = (host: string, port: number, onStray: (text: string) => void): Promise<Pipeline | "broken"> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true })
    const waiting: Array<{ readonly question: Question; readonly done: (outcome: Outcome) => void }> = []
    let text = ""
    let isOpen = false
    const end = () => {
      isOpen = false
      socket.destroy()
      for (const { done } of waiting.splice(0)) done("broken")
      resolve("broken")
    }
    socket.on("error", () => undefined)
    socket.on("close", end)
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      while (text !== "") {
        const [first] = waiting
        const found = first === undefined ? "stray" : parse(text, first.question.method)
        if (found === undefined) return
        if (found === "stray") {
          onStray(text.slice(0, 500))
          return end()
        }
        text = text.slice(found.end)
        waiting.shift()
        first!.done(found.answer)
      }
    })
    socket.on("connect", () => {
      isOpen = true
      resolve({
        ask: (question) =>
          new Promise((done) => {
            if (!isOpen) return done("broken")
            waiting.push({ question, done })
            socket.write(bytesOf(question, `${host}:${port}`))
          }),
        leave: (question) => {
          waiting.push({ question, done: () => undefined })
          socket.write(bytesOf(question, `${host}:${port}`))
          setTimeout(end, leaveMs)
          isOpen = false
        },
        isOpen: () => isOpen,
        destroy: end
      })
    })
  })
