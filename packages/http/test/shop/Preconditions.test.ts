import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { EdgeTest } from "../EdgeTest.ts"

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("preconditions", (it) => {
  const opened = Effect.gen(function* () {
    const { send } = yield* EdgeTest
    const { headers, json } = yield* send("POST", "/v1/carts", { region: "eu", currency: "GBP" })
    const put = (quantity: number, ifMatch?: string) =>
      send("PUT", `/v1/carts/${json.id}/lines/TEA`, { quantity }, ifMatch === undefined ? {} : { "if-match": ifMatch })
    return { id: json.id as string, tag: headers.get("etag")!, put, send }
  })

  it.effect(
    "a change with the tag that was read is taken; with an older one it is refused and nothing is written",
    () =>
      Effect.gen(function* () {
        const { id, put, send, tag } = yield* opened
        const first = yield* put(1, tag)
        assert.strictEqual(first.status, 200, first.text)
        const second = yield* put(2, tag)
        assert.strictEqual(second.status, 412, second.text)
        assert.deepInclude(second.json, { code: "precondition_failed", context: { seq: 2 } })
        assert.strictEqual((yield* send("GET", `/v1/carts/${id}`)).json.lines[0].quantity, 1)
      })
  )

  it.effect(
    "a star is any version, a tag that was never given out is none, and a weak or malformed one is refused",
    () =>
      Effect.gen(function* () {
        const { put } = yield* opened
        assert.strictEqual((yield* put(1, "*")).status, 200)
        assert.strictEqual((yield* put(2, '"made-up"')).status, 412)
        for (const malformed of ['W/"2"', "2", '"1", "2"', '""']) {
          const { json, status } = yield* put(2, malformed)
          assert.strictEqual(status, 400, malformed)
          assert.strictEqual(json.errors[0].header, "if-match")
        }
      })
  )

  it.effect("many lines at once go by the tag as one line does", () =>
    Effect.gen(function* () {
      const { id, send, tag } = yield* opened
      const state = (quantity: number, key: string) =>
        send(
          "POST",
          `/v1/bulk/carts/${id}/lines`,
          { items: [{ sku: "TEA", quantity }] },
          { "idempotency-key": key.repeat(22), "if-match": tag }
        )
      assert.strictEqual((yield* state(1, "a")).status, 207)
      const second = yield* state(2, "b")
      assert.deepInclude(second.json, { status: 412, code: "precondition_failed" }, second.text)
      assert.strictEqual((yield* send("GET", `/v1/carts/${id}`)).json.seq, 2)
    })
  )

  it.effect("a reader that has the version gets 304, whether a cache has weakened the tag or not", () =>
    Effect.gen(function* () {
      const { id, send, tag } = yield* opened
      const read = (known: string) => send("GET", `/v1/carts/${id}`, undefined, { "if-none-match": known })
      for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
        const { headers, status, text } = yield* read(known)
        assert.deepStrictEqual([status, text, headers.get("etag")], [304, "", tag], known)
      }
      assert.strictEqual((yield* read('"9"')).status, 200)
    })
  )
})
