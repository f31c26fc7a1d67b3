import { assert, layer } from "@effect/vitest"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import * as Shard from "@halles/shared/Shard"
import * as Subject from "@halles/shared/Subject"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { adminToken } from "./EdgeTest.ts"
import { OperatorTest } from "./operator/OperatorTest.ts"

const program = fileURLToPath(new URL("../../operations/src/halles.ts", import.meta.url))

/** The real program, with its output in a pipe. It is ended with the scope. */
const begun = Effect.fnUntraced(function* (args: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) {
  const { url } = yield* OperatorTest
  const database = Redacted.value(yield* PgTest.url)
  const databases = ["EU", "AM", "AP", "CONTROL"].map((name) => [`HALLES_PG_${name}_URL`, database])
  const environment = { HALLES_OPS_URL: url, HALLES_TOKEN: adminToken, ...Object.fromEntries(databases), ...more }
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [program, ...args], { env: environment, stdio: ["ignore", "pipe", "pipe"] })
    ),
    (running) => Effect.sync(() => running.kill("SIGKILL"))
  )
  const said = { out: "", error: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.error += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
  const says = (enough: (out: string) => boolean) =>
    Effect.sync(() => said.out).pipe(
      Effect.repeat({ until: enough, schedule: Schedule.spaced("20 millis") }),
      Effect.timeout("100 seconds")
    )
  return { says, ended: Effect.promise(async () => ({ code: await ended, ...said })) }
})
const run = (...args: ReadonlyArray<string>) => Effect.flatMap(begun(args), ({ ended }) => ended)

const seqs = (out: string) => [...out.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq))

const lettersMax = 3
const stream = "PARCELS"

layer(OperatorTest.layer, { excludeTestServices: true, timeout: "1 minute" })("the command line", (it) => {
  it.effect(
    "lists what a consumer of a stream was given too often, and sends it again, no more than is asked for",
    () =>
      Effect.gen(function* () {
        const nats = yield* Nats
        const { send } = yield* OperatorTest
        const manager = yield* Effect.promise(() => jetstreamManager(nats))
        // Its letters are kept from when the operator process has asked for that.
        yield* Effect.repeat(send("GET", "dead-letters"), {
          until: ({ status }) => status === 200,
          schedule: Schedule.spaced("100 millis")
        })
        const messages = Effect.promise(async () => (await manager.streams.info(stream)).state.messages)
        yield* Effect.promise(async () => {
          await manager.streams.add({ name: stream, subjects: ["parcels.>"] })
          await manager.consumers.add(stream, {
            durable_name: "post",
            ack_policy: AckPolicy.Explicit,
            ack_wait: 100 * 1e6,
            max_deliver: 2
          })
          const js = jetstream(nats)
          for (let one = 1; one <= lettersMax; one++) await js.publish(`parcels.${one}`, `parcel ${one}`)
        })
        // Nobody acknowledges: each is delivered twice, and then given up.
        const reader = yield* Effect.promise(() => jetstream(nats).consumers.get(stream, "post"))
        const letters = Effect.gen(function* () {
          yield* Effect.promise(async () => {
            for await (const _ of await reader.fetch({ max_messages: lettersMax, expires: 1_000 })) continue
          })
          return (yield* send("GET", "dead-letters")).json.items.length
        })
        yield* Effect.repeat(letters, { until: (count) => count === lettersMax, times: 20 })

        const listed = (yield* run("dlq", "list", "-o", "jsonl")).out
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
        assert.deepStrictEqual(
          listed.map(({ consumer, stream, subject, tries }) => [stream, consumer, subject, tries]),
          ["parcels.3", "parcels.2", "parcels.1"].map((subject) => [stream, "post", subject, 2])
        )
        const why = ["--reason", "the post is back", "--yes"]
        const some = yield* run("dlq", "replay", "--stream", stream, "--limit", "2", ...why)
        assert.deepStrictEqual([some.code, some.out.trim()], [0, "2 sent again, 1 left."])
        assert.strictEqual(yield* messages, lettersMax + 2)
        const [left] = (yield* run("dlq", "list", "-o", "ids")).out.trim().split("\n")
        assert.strictEqual(left, listed[0].id)
        const named = yield* run("dlq", "replay", left!, ...why)
        assert.strictEqual(named.out.trim(), "1 sent again, 0 left.")
        const again = yield* run("dlq", "replay", left!, ...why)
        assert.strictEqual(again.out.trim(), "0 sent again, 1 left.", "once is enough")
        assert.strictEqual(yield* messages, lettersMax + 3)
        const last = yield* Effect.promise(() => manager.streams.getMessage(stream, { last_by_subj: "parcels.3" }))
        assert.strictEqual(last?.string(), "parcel 3")
        const unconfirmed = yield* run("dlq", "replay", "--stream", stream, "--reason", "the post is back")
        assert.strictEqual(unconfirmed.code, 2)
      })
  )

  it.effect("watches into a pipe as lines, without what only a terminal understands", () =>
    Effect.gen(function* () {
      const { says } = yield* begun(["watch"])
      const out = yield* says((text) => (text.match(/^region/gm) ?? []).length >= 2)
      assert.notInclude(out, "\u001b")
      const [header, eu] = out.split("\n")
      assert.match(header!, /^region +runners +shards/)
      assert.match(eu!, /^eu +\d+ +\d+\/64/)
    })
  )

  const id = "eu_followed"
  const commit = (seq: number) =>
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => sql`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Cart', ${id}, ${seq}, ${`c${seq}`}, '[{"_tag":"ItemPut"}]', '{"v":1}', ${Shard.shardOf(id)}, 1, now())`
    )
  const publish = (seq: number) =>
    Effect.map(Nats, (nats) =>
      nats.publish(
        Subject.eventMessage("eu", ["Cart"]),
        JSON.stringify({ type: "Cart", id, seq, commandId: `c${seq}`, at: 1, events: [], meta: {} })
      )
    )

  it.effect("follows an entity: told by the live tail while there is one, by looking where there is none", () =>
    Effect.gen(function* () {
      yield* commit(1)
      const args = ["events", `Cart/${id}`, "--follow", "-o", "jsonl"]
      const told = yield* begun(args)
      const alone = yield* begun(args, { HALLES_OPS_URL: "http://127.0.0.1:9" })
      yield* told.says((out) => seqs(out).length === 1)
      yield* alone.says((out) => seqs(out).length === 1)
      // As long as its live tail has not begun it looks too, as often as the other one: that has looked twice meanwhile.
      let last = 1
      let isTold = false
      while (!isTold && last < 20) {
        for (let twice = 0; twice < 2; twice++) {
          last += 1
          yield* commit(last)
          yield* alone.says((out) => seqs(out).length === last)
        }
        isTold = seqs(yield* told.says(() => true)).length < last - 1
      }
      assert.isTrue(isTold, "it looks though there is somebody who tells it when")
      yield* publish(last)
      const all = Array.from({ length: last }, (_, index) => index + 1)
      assert.deepStrictEqual(seqs(yield* told.says((out) => seqs(out).length >= last)), all)
      assert.deepStrictEqual(seqs(yield* alone.says(() => true)), all)
    })
  )
})
