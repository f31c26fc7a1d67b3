import { type ClientHttp2Session, connect, constants } from "node:http2"
import { Agent, request as httpRequest } from "node:http"
import { leaveMs, type Outcome, type Pipeline } from "./Pipeline.ts"
import type { Question } from "./Verdict.ts"

/** A connection of HTTP/2 by TLS: requests of all senders are streams side by side. */
export const open = (host: string, port: number): Promise<Pipeline | "broken"> =>
  new Promise((resolve) => {
    const session = connect(`https://${host}:${port}`, { rejectUnauthorized: false })
    session.on("error", () => resolve("broken"))
    session.on("close", () => resolve("broken"))
    session.on("connect", () =>
      resolve({
        ask: (question) => streamed(session, question),
        leave: ({ body, headers, method, path }) => {
          if (session.closed || session.destroyed) return
          const stream = session.request({ ":method": method, ":path": path, ...headers })
          stream.on("error", () => undefined)
          stream.end(body)
          setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), leaveMs)
        },
        isOpen: () => !session.closed && !session.destroyed,
        destroy: () => session.destroy()
      })
    )
  })

const streamed = (session: ClientHttp2Session, { body, headers, method, path }: Question): Promise<Outcome> =>
  new Promise((resolve) => {
    if (session.closed || session.destroyed) return resolve("broken")
    const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined })
    let status = 0
    let received: Readonly<Record<string, string | undefined>> = {}
    let text = ""
    let isWhole = false
    stream.setEncoding("utf8")
    stream.on("response", (response) => {
      status = Number(response[":status"])
      received = Object.fromEntries(Object.entries(response).map(([name, value]) => [name, String(value)]))
    })
    stream.on("data", (chunk: string) => (text += chunk))
    stream.on("end", () => {
      isWhole = true
    })
    stream.on("error", () => undefined)
    stream.on("close", () =>
      resolve(status === 0 || (!isWhole && method !== "HEAD") ? "broken" : { status, headers: received, body: text })
    )
    if (body !== undefined) stream.end(body)
  })

/** As most clients do: Node's own, one request at a time on connections that are kept and used again. */
export const kept = (host: string, port: number): Pipeline => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  return {
    ask: ({ body, headers, method, path }) =>
      new Promise((resolve) => {
        const sent = body === undefined ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) }
        const outgoing = httpRequest({ agent, host, port, method, path, headers: sent }, (response) => {
          let text = ""
          response.setEncoding("utf8")
          response.on("data", (chunk: string) => (text += chunk))
          response.on("error", () => undefined)
          response.on("close", () =>
            resolve(
              response.complete
                ? {
                    status: response.statusCode ?? 0,
                    headers: Object.fromEntries(
                      Object.entries(response.headers).map(([name, value]) => [name, String(value)])
                    ),
                    body: text
                  }
                : "broken"
            )
          )
        })
        outgoing.on("error", () => resolve("broken"))
        outgoing.end(body)
      }),
    leave: ({ body, headers, method, path }) => {
      const outgoing = httpRequest({ agent, host, port, method, path, headers })
      outgoing.on("error", () => undefined)
      outgoing.end(body)
      setTimeout(() => outgoing.destroy(), leaveMs)
    },
    isOpen: () => true,
    destroy: () => agent.destroy()
  }
}
