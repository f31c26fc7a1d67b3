import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { open, parse } from "../src/Soak/Pipeline.ts"
import { Questions } from "../src/Soak/Questions.ts"
import { personal, type Scene } from "../src/Soak/Scene.ts"
import { busy, Tally } from "../src/Soak/Tally.ts"
import { type Answer, judge, type Question } from "../src/Soak/Verdict.ts"

const mine = `mark${"a".repeat(16)}`
const others = `mark${"b".repeat(16)}`
const question: Question = {
  id: "q-1",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  sender: "me",
  name: "my profile",
  method: "GET",
  path: "/me",
  headers: {},
  statuses: [200],
  shows: [mine],
  mayShow: new Set([mine])
}
const good: Answer = {
  status: 200,
  headers: { "request-id": "q-1", traceresponse: `00-${question.traceId}-b7ad6b7169203331-01` },
  body: `{"name":"${mine}"}`
}

const bodyless = ({ method, status }: { readonly method: string; readonly status: number }) =>
  method === "HEAD" || status === 304

describe("a soak", () => {
  it("finds an answer to another request, for another sender, or of another status", () => {
    const tagOf = (answer: Answer, sent = question) => judge(sent, answer, { pattern: personal })._tag
    const refused: Question = { ...question, statuses: [401], mayShow: new Set() }
    assert.strictEqual(tagOf(good), "Right")
    assert.strictEqual(tagOf({ ...good, headers: { "request-id": "q-2" } }), "Wrong")
    assert.strictEqual(tagOf({ ...good, headers: {} }), "Wrong")
    const traceresponse = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert.strictEqual(tagOf({ ...good, headers: { ...good.headers, traceresponse } }), "Wrong")
    assert.strictEqual(tagOf(good, refused), "Wrong")
    assert.strictEqual(tagOf({ ...good, status: 401, body: mine }, refused), "Wrong")
    assert.strictEqual(tagOf({ ...good, status: 401, body: "" }, refused), "Right")
    assert.strictEqual(tagOf({ ...good, body: others }), "Wrong")
    assert.strictEqual(tagOf({ ...good, body: mine + others }), "Wrong")
    assert.strictEqual(tagOf({ ...good, body: "{}" }), "Wrong")
    assert.strictEqual(tagOf({ ...good, status: 503, body: "" }), "Later")
    assert.strictEqual(tagOf({ ...good, status: 503, body: others }), "Wrong")
    assert.strictEqual(tagOf({ ...good, status: 503, headers: { "request-id": "q-2" } }), "Wrong")
    assert.strictEqual(tagOf({ ...good, body: mine }, { ...question, method: "HEAD" }), "Wrong")
    assert.strictEqual(tagOf({ ...good, status: 304, body: "" }, { ...question, statuses: [200, 304] }), "Right")
  })

  it("reads answers out of the bytes of a connection, wherever they are cut", () => {
    const answers = fc.array(
      fc.record({
        method: fc.constantFrom("GET", "HEAD"),
        status: fc.constantFrom(200, 304, 404),
        body: fc.string({ unit: "grapheme", maxLength: 40 }),
        chunks: fc.boolean()
      }),
      { minLength: 1, maxLength: 6 }
    )
    fc.assert(
      fc.property(answers, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (sent, cuts) => {
        const bytes = sent
          .map((one) => {
            const body = Buffer.from(one.body).toString("latin1")
            const whole = one.chunks
              ? `${body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`
              : body
            const length = one.chunks ? "transfer-encoding: chunked" : `Content-Length: ${body.length}`
            return `HTTP/1.1 ${one.status} Word\r\n${length}\r\n\r\n${bodyless(one) ? "" : whole}`
          })
          .join("")
        const got: Array<Answer> = []
        let text = ""
        for (let at = 0; at < bytes.length;) {
          const size = cuts.next().value
          text += bytes.slice(at, at + size)
          at += size
          for (;;) {
            const found = got.length === sent.length || text === "" ? undefined : parse(text, sent[got.length]!.method)
            assert.notStrictEqual(found, "stray")
            if (found === undefined || found === "stray") break
            got.push(found.answer)
            text = text.slice(found.end)
          }
        }
        assert.strictEqual(text, "")
        assert.deepStrictEqual(
          got.map(({ body, status }) => ({ body, status })),
          sent.map((one) => ({ body: bodyless(one) ? "" : one.body, status: one.status }))
        )
      })
    )
    assert.strictEqual(parse("garbage that answers nothing", "GET"), "stray")
  })

  const scene: Scene = {
    senders: [0, 1].map((at) => ({
      name: `customer-${at}`,
      headers: () => ({ authorization: `Bearer ${at}` }),
      customer: at
    })),
    subjects: [mine, others].map((mark, at) => ({
      name: `the profile of customer-${at}`,
      path: `/profiles/${at}`,
      shows: [mark],
      at: "ops" as const,
      customer: at
    })),
    products: [],
    carts: []
  }
  const answerOf = ({ headers, url }: IncomingMessage): Answer => {
    const at = url?.at(-1)
    return headers.authorization === `Bearer ${at}`
      ? { status: 200, headers: {}, body: at === "0" ? mine : others }
      : { status: 403, headers: {}, body: "" }
  }
  /** Enough for four of a hundred. */
  const answersMax = 400
  /** Answers rightly, but for the requests that `mixes` names: they get what another one was to get. */
  const soaked = (mixes: (nth: number) => "nothing" | "body" | "all") =>
    Effect.gen(function* () {
      let count = 0
      let before: { readonly id: string; readonly answer: Answer } | undefined
      const server = createServer((request: IncomingMessage, response: ServerResponse) => {
        count += 1
        const own = { id: String(request.headers["request-id"]), answer: answerOf(request) }
        const how = mixes(count)
        const { answer, id } =
          how === "nothing" || before === undefined ? own : how === "all" ? before : { ...own, answer: before.answer }
        before = own
        response.writeHead(answer.status, { "request-id": id }).end(request.method === "HEAD" ? undefined : answer.body)
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => server.closeAllConnections())
      )
      const { port } = server.address() as AddressInfo
      const tally = new Tally()
      const questions = new Questions(scene)
      for (const [subject, sent] of questions.alone()) {
        const isOwn = sent.sender.at(-1) === subject.path.at(-1)
        assert.isUndefined(questions.learn(subject, sent, { status: isOwn ? 200 : 403, headers: {}, body: "" }))
      }
      yield* Effect.promise(() =>
        busy({
          open: () => open("127.0.0.1", port, () => tally.count("stray")),
          at: "ops",
          questions,
          tally,
          secrets: { pattern: personal },
          isOver: () => count >= answersMax
        })
      )
      return tally
    }).pipe(Effect.scoped)

  it.live("finds nothing where every answer is the right one, and one wrong answer in a hundred where it is not", () =>
    Effect.gen(function* () {
      const honest = yield* soaked(() => "nothing")
      assert.strictEqual(honest.wrong, 0, JSON.stringify(honest.faults))
      assert.isAbove(honest.counts["200"] ?? 0, 20)
      assert.isAbove((yield* soaked((nth) => (nth % 100 === 0 ? "all" : "nothing"))).wrong, 0)
      assert.isAbove((yield* soaked((nth) => (nth % 100 === 0 ? "body" : "nothing"))).wrong, 0)
    })
  )

  it("does not begin where a stranger is let in", () => {
    const questions = new Questions(scene)
    const reasons = [...questions.alone()].map(([subject, sent]) =>
      questions.learn(subject, sent, { status: 200, headers: {}, body: "" })
    )
    assert.strictEqual(reasons.filter((reason) => reason !== undefined).length, 2)
  })
})
