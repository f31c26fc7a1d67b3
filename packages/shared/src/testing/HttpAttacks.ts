import { connect as connectPlain } from "node:net"
import { connect as connectTls } from "node:tls"

/** What somebody sends by hand, byte by byte, and the status that it is answered with. */
export interface Attack {
  readonly name: string
  readonly bytes: string
  readonly status: number
}

const host = "Host: shop.example\r\n"
const post = `POST / HTTP/1.1\r\n${host}`
const get = (headers: string, target = "/health/live") => `GET ${target} HTTP/1.1\r\n${headers}\r\n`
const chunked = "Transfer-Encoding: chunked\r\n"
const end = "0\r\n\r\n"
const many = (count: number) => Array.from({ length: count }, (_, at) => `x-${at}: 1\r\n`).join("")
const twice = (header: string) => get(`${host}${header}\r\n${header}\r\n`)

const refused = (status: number, attacks: Readonly<Record<string, string>>): ReadonlyArray<Attack> =>
  Object.entries(attacks).map(([name, bytes]) => ({ name, bytes, status }))

/** Each against every listener of ours: HTTP that two readers could take for two requests, or that has no end. */
export const attacks: ReadonlyArray<Attack> = [
  ...refused(400, {
    "no Host": get(""),
    "Host twice": get(`${host}Host: other.example\r\n`),
    "Host twice the same": twice("Host: shop.example"),
    "an empty Host": get("Host:\r\n"),
    "Host with a path": get("Host: shop.example/x\r\n"),
    "Host with somebody in it": get("Host: me@shop.example\r\n"),
    "Host with a space": get("Host: shop example\r\n"),
    "two Hosts in one": get("Host: shop.example, other.example\r\n"),
    "Host with a port that none is": get("Host: shop.example:99999\r\n"),
    "Host beyond ASCII": get("Host: sh\u00f6p.example\r\n"),
    "an absolute target": get(host, "http://other.example/health/live"),
    "an absolute target of the same host": get(host, "http://shop.example/health/live"),
    "an absolute target in capitals": get(host, "HTTPS://shop.example/health/live"),
    "a target of another scheme": get(host, "file:///etc/passwd"),
    "a target that begins with a query": get(host, "?region=eu"),
    "a target without a slash": get(host, "health/live"),
    "a target that is a host": get(host, "shop.example:443"),
    "a target with a fragment": get(host, "/health/live#x"),
    "a target beyond ASCII": get(host, "/health/l\u00efve"),
    "a target with NUL": get(host, "/health/\0live"),
    "an escape that is none": get(host, "/health/%zz"),
    "an escape that is no UTF-8": get(host, "/health/live?q=%ff"),
    "half a surrogate pair, escaped": get(host, "/health/live?q=%ed%a0%80"),
    "a star": `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
    "a star to get": get(host, "*"),
    "a tunnel": `CONNECT shop.example:443 HTTP/1.1\r\n${host}\r\n`,
    "a length and chunks": `${post}Content-Length: 5\r\n${chunked}\r\n${end}`,
    "chunks and a length": `${post}${chunked}Content-Length: 5\r\n\r\n${end}`,
    "two lengths": `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    "two lengths that agree": `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
    "two lengths in one": `${post}Content-Length: 2, 2\r\n\r\n{}`,
    "a length with a sign": `${post}Content-Length: +2\r\n\r\n{}`,
    "a negative length": `${post}Content-Length: -2\r\n\r\n{}`,
    "a length in hexadecimal": `${post}Content-Length: 0x2\r\n\r\n{}`,
    "a length beyond all": `${post}Content-Length: 99999999999999999999999\r\n\r\n{}`,
    "another coding before chunks": `${post}Transfer-Encoding: gzip, chunked\r\n\r\n${end}`,
    "another coding": `${post}Transfer-Encoding: gzip\r\n\r\n${end}`,
    "chunks twice": `${post}${chunked}${chunked}\r\n${end}`,
    "chunks by another name": `${post}Transfer-Encoding: xchunked\r\n\r\n${end}`,
    "chunks in HTTP/1.0": `POST / HTTP/1.0\r\n${host}${chunked}\r\n${end}`,
    "a folded header": get(`${host}X-A: b\r\n c\r\n`),
    "a folded header, by a tab": get(`${host}X-A: b\r\n\tc\r\n`),
    "a folded Host": get("Host: shop.example\r\n other.example\r\n"),
    "a first header that is folded": get(` X-A: b\r\n${host}`),
    "a space before the colon": get(`${host}X-A : b\r\n`),
    "a header without a name": get(`${host}: b\r\n`),
    "a header name that is none": get(`${host}X(A): b\r\n`),
    "a header with NUL": get(`${host}X-A: b\0c\r\n`),
    "a return without a line feed": get(`${host}X-A: b\rX-B: c\r\n`),
    "a line feed without a return": get(`${host}X-A: b\nX-B: c\r\n`),
    "Authorization twice": get(`${host}Authorization: Basic YTph\r\nAuthorization: Bearer x\r\n`),
    "Authorization twice the same": twice("Authorization: Bearer x"),
    "X-Api-Key twice": twice("X-Api-Key: hk_x"),
    "Idempotency-Key twice": twice("Idempotency-Key: 0123456789abcdef"),
    "If-Match twice": twice('If-Match: "1"'),
    "Content-Type twice": twice("Content-Type: application/json"),
    "Origin twice": twice("Origin: https://shop.example"),
    "HTTP/0.9": "GET /health/live\r\n\r\n",
    "HTTP/1.2": `GET /health/live HTTP/1.2\r\n${host}\r\n`,
    "HTTP/2.0 by hand": `GET /health/live HTTP/2.0\r\n${host}\r\n`,
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method that is none": `FOO /health/live HTTP/1.1\r\n${host}\r\n`,
    "a method in small letters": `get /health/live HTTP/1.1\r\n${host}\r\n`,
    "no HTTP at all": "\x16\x03\x01 hello\r\n\r\n"
  }),
  ...refused(415, {
    "JSON in UTF-16": `${post}Content-Type: application/json; charset=utf-16\r\nContent-Length: 2\r\n\r\n{}`,
    "JSON in Latin-1": `${post}Content-Type: application/json;charset="iso-8859-1"\r\nContent-Length: 2\r\n\r\n{}`,
    "a compressed body": `${post}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`
  }),
  ...refused(414, { "a long target": get(host, `/${"a".repeat(9_000)}`) }),
  ...refused(431, {
    "a long header": get(`${host}x-long: ${"a".repeat(20_000)}\r\n`),
    "many headers": get(`${host}${many(120)}`),
    "very many headers": get(`${host}${many(4_000)}`)
  }),
  ...refused(200, {
    "a plain request": get(host),
    "an address for a Host": get("Host: 127.0.0.1:4400\r\n"),
    "an address of IPv6 for a Host": get("Host: [::1]:4400\r\n"),
    "HTTP/1.0 without a Host": "GET /health/live HTTP/1.0\r\n\r\n",
    "a query with escapes": get(host, "/health/live?q=%c3%a4%20%25")
  })
]

/** Its head is fine: it is refused where its body is read, or answered without. */
export const brokenBody = `${post}${chunked}\r\nx\r\n`

/** Where to, and by TLS with HTTP/1.1 or in the clear. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly tls?: boolean
}

export const open = ({ host, port, tls }: Target) =>
  tls === true
    ? connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] })
    : connectPlain({ host, port })

/** All that comes back until the connection ends, or for so long. */
export const send = (target: Target, bytes: string, waitMs = 5_000): Promise<string> =>
  new Promise((resolve) => {
    const socket = open(target)
    let got = ""
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(got)
    }
    const timer = setTimeout(done, waitMs)
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1")
      // A whole answer is there; the connection may stay.
      const head = got.indexOf("\r\n\r\n")
      if (head === -1) return
      const length = /\r\ncontent-length: (\d+)/i.exec(got)?.[1]
      const isInChunks = /\r\ntransfer-encoding: chunked/i.test(got)
      if (isInChunks ? got.endsWith("\r\n0\r\n\r\n") : length !== undefined && got.length >= head + 4 + Number(length))
        done()
    })
    socket.on("close", done)
    socket.on("error", done)
    socket.write(Buffer.from(bytes, "latin1"))
  })

/** The status of the first answer; 0 without one. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
