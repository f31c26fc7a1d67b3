import { assert, describe, layer } from "@effect/vitest"
import { Scope, twoFactors } from "@halles/shared/security/Authority"
import * as Breaker from "@halles/shared/clients/Breaker"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import { Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { Effect, Exit, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { connect } from "node:net"
import * as Json from "../../src/operator/OperatorJson.ts"
import { liveEvents } from "../../src/operator/OperatorEvents.ts"
import { Issuer } from "../Issuer.ts"
import { routes } from "./OperatorRoutes.ts"
import { adminToken } from "../EdgeTest.ts"
import { audited, OperatorTest } from "./OperatorTest.ts"

/** Frames of a live stream, until `enough` of them have come or the stream ends. */
const frames = (url: string, headers: Record<string, string>, enough: (text: string) => boolean) =>
  Effect.promise(async () => {
    const controller = new AbortController()
    const response = await fetch(url, { headers, signal: controller.signal })
    const decoder = new TextDecoder()
    let text = ""
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true })
      if (enough(text)) break
    }
    controller.abort()
    return { status: response.status, text }
  })
const ofName = (text: string, name: string): ReadonlyArray<unknown> =>
  [...text.matchAll(new RegExp(`event: ${name}\\ndata: (.*)\\n`, "g"))].map(([, data]) => JSON.parse(data ?? ""))
const authorization = { authorization: `Bearer ${adminToken}` }

const rowOf = (type: string, id: string, seq: number) =>
  JSON.stringify({
    type,
    id,
    seq,
    commandId: "c",
    at: 1,
    events: [{ _tag: "Placed", email: "ada@a.example" }],
    meta: {}
  })

layer(OperatorTest.layer, { excludeTestServices: true, timeout: "1 minute" })("the operator process", (it) => {
  it.effect("lets nobody in without a token, nor with one that has no role, and writes each try down", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const { sign } = yield* Issuer
      const customer = yield* sign({ roles: ["customer"], scope: Scope.literals.join(" ") })
      for (const { body, method, name, path } of routes) {
        audited.length = 0
        const nobody = yield* send(method, path, body, {})
        assert.deepInclude(nobody.json, { status: 401, code: "unauthorized" }, name)
        const refused = yield* send(method, path, body, { authorization: `Bearer ${customer}` })
        assert.deepInclude(refused.json, { status: 403, code: "forbidden" }, name)
        assert.deepStrictEqual(
          audited.map(({ action, outcome }) => ({ action, outcome })),
          [
            { action: "ops.denied", outcome: "denied" },
            { action: "ops.denied", outcome: "denied" }
          ],
          name
        )
      }
    })
  )

  it.effect("lets readers look, changes nothing for them, and writes nothing down where nothing is changed", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const { sign } = yield* Issuer
      const token = yield* sign({ roles: ["ops-read"], scope: "ops:read audit:read" })
      for (const { body, method, name, path } of routes) {
        if (name === "live") continue
        audited.length = 0
        const { status } = yield* send(method, path, body, { authorization: `Bearer ${token}` })
        if (method === "GET" || name === "whatIf") {
          assert.include([200, 400, 404], status, name)
          assert.deepStrictEqual(audited, [], name)
        } else assert.strictEqual(status, 403, name)
      }
    })
  )

  it.effect("changes nothing without a reason, and writes each change down with who, what and why", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const { sign } = yield* Issuer
      const scope = "ops:read ops:write"
      const token = yield* sign({ roles: ["ops-write"], scope, sub: "account-7", acr: twoFactors })
      for (const { body, method, name, path } of routes) {
        if (method === "GET" || name === "whatIf") continue
        audited.length = 0
        const { reason: _, ...rest } = body as { readonly reason: string }
        const unreasoned = yield* send(method, path, rest, { authorization: `Bearer ${token}` })
        assert.deepInclude(unreasoned.json, { status: 400, code: "invalid_request" }, name)
        assert.deepStrictEqual(audited, [], name)
        const { status } = yield* send(method, path, body, { authorization: `Bearer ${token}` })
        const [act, failed] = audited
        assert.deepInclude(act, { actor: "account-7", outcome: "allowed", reason: "a test" }, name)
        assert.match(act!.action, /^ops\./, name)
        if (status === 200) assert.isUndefined(failed, name)
        else assert.deepInclude(failed, { outcome: "failed", action: act!.action, reason: "a test" }, name)
      }
    })
  )

  it.effect("takes a change by cookie only with the header that a form cannot send", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const unpin = (headers: Readonly<Record<string, string>>) =>
        Effect.map(send("POST", "shards/eu/60/unpin", { reason: "a test" }, headers), ({ json }) => json.code)
      const cookie = "halles_operator=known"
      assert.strictEqual(yield* unpin({ cookie: "halles_operator=unknown", "halles-operator": "1" }), "unauthorized")
      assert.strictEqual(yield* unpin({ cookie }), "foreign_request")
      const foreign = { cookie, "halles-operator": "1", "sec-fetch-site": "same-site" }
      assert.strictEqual(yield* unpin(foreign), "foreign_request")
      assert.strictEqual(
        yield* unpin({ cookie, "halles-operator": "1", "sec-fetch-site": "same-origin" }),
        "not_possible"
      )
      // Looking needs none, and says by name who looks.
      assert.deepInclude((yield* send("GET", "me", undefined, { cookie })).json, {
        subject: "account-9",
        name: "Olga Operator",
        email: "olga@halles.test"
      })
    })
  )

  it.effect("shows runners as they tell of themselves, and says which of them is drained", () =>
    Effect.gen(function* () {
      const { figures, send } = yield* OperatorTest
      figures.type("Cart").command("PutLine").note(3, Exit.void)
      const listed = yield* send("GET", "runners").pipe(
        Effect.map(({ json }) => Schema.decodeUnknownSync(Json.Runners)(json).items),
        Effect.repeat({
          schedule: Schedule.spaced("200 millis"),
          until: (items) => items.some((one) => one.cpu !== null)
        })
      )
      assert.deepStrictEqual(
        listed.map(({ id }) => id),
        ["am-1", "eu-1", "eu-2"]
      )
      assert.deepInclude(listed[1], { shards: 64, shardsHeld: 64, version: "test" })
      const types = yield* send("GET", "types").pipe(
        Effect.repeat({ schedule: Schedule.spaced("200 millis"), until: ({ json }) => json.items.length > 0 })
      )
      assert.deepInclude(types.json.items[0].commands[0], { command: "PutLine", calls: 1, failed: 0 })

      yield* send("POST", "runners/eu-2/undrain", { reason: "to begin with" })
      yield* send("POST", "runners/eu-1/undrain", { reason: "to begin with" })
      const drained = yield* send("POST", "runners/eu-1/drain", { reason: "a test" })
      assert.strictEqual(drained.status, 200, JSON.stringify(drained.json))
      const last = yield* send("POST", "runners/eu-2/drain", { reason: "a test" })
      assert.strictEqual(last.json.code, "not_possible", "somebody must have the shards")
      yield* send("GET", "runners").pipe(
        Effect.repeat({
          schedule: Schedule.spaced("100 millis"),
          until: ({ json }) => json.items[1].draining === "operator"
        })
      )
      yield* send("POST", "runners/eu-1/undrain", { reason: "a test" })
    })
  )

  it.effect("gives a shard to a living runner of its region, and takes that back", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const sql = yield* SqlClient.SqlClient
      const pins = Effect.map(sql`SELECT region, shard, runner FROM shard_pin WHERE shard = 9`, (rows) => [...rows])
      for (const runner of ["am-1", "eu-9"]) {
        const { json } = yield* send("POST", "shards/eu/9/move", { runner, reason: "a test" })
        assert.deepInclude(json, { status: 409, code: "not_possible" })
      }
      const { status } = yield* send("POST", "shards/eu/9/move", { runner: "eu-2", reason: "a test" })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(yield* pins, [{ region: "eu", shard: 9, runner: "eu-2" }])
      assert.strictEqual((yield* send("POST", "shards/eu/9/unpin", { reason: "a test" })).status, 200)
      assert.deepStrictEqual(yield* pins, [])
      assert.strictEqual((yield* send("POST", "shards/eu/9/unpin", { reason: "a test" })).status, 409)
    })
  )

  it.effect("sends what operators ask of a saga to its order, with the reason", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      assert.strictEqual((yield* send("POST", "sagas/eu_saga/skip", { reason: "profile gone" })).status, 200)
      const over = yield* send("POST", "sagas/eu_over/retry", { reason: "a test" })
      assert.deepInclude(over.json, { status: 409, code: "not_possible" })
      const none = yield* send("POST", "sagas/eu_none/retry", { reason: "a test" })
      assert.deepInclude(none.json, { status: 404, code: "not_found" })
    })
  )

  it.effect("sends dead webhooks again, no more than are asked for", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO webhook.endpoint (id, owner, url, description, types, secret)
        VALUES ('end', 'partner:a', 'https://a.example', '', '{}', '')`
      yield* sql`INSERT INTO webhook.delivery (endpoint_id, message_id, type, body, state, attempts)
        SELECT 'end', 'msg_' || n, 'order.created', '{}', 'dead', 10 FROM generate_series(1, 5) AS n`
      const page = yield* send("GET", "dead-letters?limit=2")
      assert.strictEqual(page.json.items.length, 2)
      const rest = yield* send("GET", `dead-letters?limit=10&cursor=${encodeURIComponent(page.json.next)}`)
      assert.strictEqual(rest.json.items.length, 3)
      const some = yield* send("POST", "dead-letters/replay", { reason: "a test", stream: "webhooks", limit: 2 })
      assert.deepStrictEqual(some.json, { replayed: 2, left: 3 })
      const ids = [rest.json.items[0].id, "webhook:end:msg_none"]
      const named = yield* send("POST", "dead-letters/replay", { reason: "a test", ids })
      assert.strictEqual(named.json.replayed + named.json.left, 2)
    })
  )

  it.effect("lists events that were set aside, has them sent again, and strikes them off", () =>
    Effect.gen(function* () {
      const { send } = yield* OperatorTest
      const sql = yield* SqlClient.SqlClient
      const strange = "eu_a b:c"
      for (const id of ["eu_1", "eu_2", strange]) {
        yield* sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
          VALUES ('Note', ${id}, 1, 'c', '[]', '{}', 5, 1, now())`
      }
      yield* sql`INSERT INTO parked_event (consumer, entity_type, entity_id, seq, shard, cause, tries, at)
        SELECT 'outbox', 'Note', id, 1, 5, 'too large', 3, now() - n * interval '1 second'
        FROM unnest(${["eu_1", "eu_2", strange]}::text[]) WITH ORDINALITY AS e(id, n)`
      const ids: Array<string> = []
      let cursor = ""
      for (let pages = 0; pages < 3; pages++) {
        const { json } = yield* send("GET", `dead-letters?limit=1${cursor}`)
        assert.strictEqual(json.items.length, 1)
        ids.push(json.items[0].id)
        cursor = `&cursor=${encodeURIComponent(json.next)}`
      }
      assert.deepStrictEqual(
        ids.map((id) => decodeURIComponent(id.split(":")[4]!)),
        ["eu_1", "eu_2", strange],
        "each once, the newest first"
      )
      const [first, second, third] = ids
      const again = yield* send("POST", "dead-letters/replay", { reason: "a test", ids: [first, "parked:eu:x:Y:z:1"] })
      assert.deepStrictEqual(again.json, { replayed: 1, left: 1 })
      const marked = yield* sql`SELECT FROM outbox_batch b JOIN journal j ON j.position = b.first_position
        WHERE j.entity_id = 'eu_1'`
      assert.strictEqual(marked.length, 1)
      const off = yield* send("POST", "dead-letters/resolve", { reason: "a test", ids: [second, third, "nonsense"] })
      assert.deepStrictEqual(off.json, { resolved: 2, left: 1 })
      const left = yield* send("GET", "dead-letters?limit=200")
      assert.isFalse(left.json.items.some(({ id }: { readonly id: string }) => id.startsWith("parked:")))
    })
  )

  it.effect("tells all that there is, then what changes; who comes back misses nothing", () =>
    Effect.gen(function* () {
      const { send, url } = yield* OperatorTest
      const live = `${url}/v1/ops/live`
      const begun = yield* frames(live, authorization, (text) => ofName(text, "overview").length >= 3)
      assert.strictEqual(begun.status, 200)
      assert.deepInclude(ofName(begun.text, "hello")[0], { resumed: false })
      for (const name of ["overview", "runners", "shards", "alarms", "moves"] as const) {
        const [first] = ofName(begun.text, name)
        assert.doesNotThrow(() => Schema.decodeUnknownSync(liveEvents[name] as Schema.Decoder<unknown>)(first), name)
      }
      const rows = ofName(begun.text, "shards").flatMap((one) => (one as { regions: Array<{ rows: [] }> }).regions)
      assert.strictEqual(rows[0]!.rows.length, 64, "all of them first")
      const [id] = [...begun.text.matchAll(/^id: (.*)$/gm)].at(-1)!.slice(1)
      yield* send("POST", "shards/eu/11/move", { runner: "eu-2", reason: "a test" })
      const again = yield* frames(live, { ...authorization, "last-event-id": id! }, (text) =>
        text.includes("event: shards")
      )
      assert.deepInclude(ofName(again.text, "hello")[0], { resumed: true })
      const changed = ofName(again.text, "shards")[0] as { regions: Array<{ rows: Array<ReadonlyArray<unknown>> }> }
      assert.deepStrictEqual(
        changed.regions.flatMap((region) => region.rows.map(([shard]) => shard)),
        [11],
        "changed rows only"
      )
      const other = yield* frames(live, { ...authorization, "last-event-id": "elsewhere-7" }, (text) =>
        text.includes("hello")
      )
      assert.deepInclude(ofName(other.text, "hello")[0], { resumed: false })
    })
  )

  it.effect("tells the list that is asked for, and goes on where another question ended", () =>
    Effect.gen(function* () {
      const { send, url } = yield* OperatorTest
      for (const topic of ["types", "streams", "sagas", "sagas:stuck"] as const) {
        const [name] = topic.split(":") as ["types" | "streams" | "sagas"]
        const { text } = yield* frames(
          `${url}/v1/ops/live?topic=${topic}`,
          authorization,
          (so) => so.includes(`event: ${name}\n`) && so.endsWith("\n\n")
        )
        const [first] = ofName(text, name)
        assert.doesNotThrow(() => Schema.decodeUnknownSync(liveEvents[name] as Schema.Decoder<unknown>)(first), topic)
        const [id] = [...text.matchAll(/^id: (.*)$/gm)].at(-1)!.slice(1)
        const next = yield* frames(`${url}/v1/ops/live?since=${id}`, authorization, (so) => so.includes("event: hello"))
        assert.deepInclude(ofName(next.text, "hello")[0], { resumed: true }, topic)
        assert.deepStrictEqual(ofName(next.text, name), [], "nobody asked")
      }
      assert.strictEqual((yield* send("GET", "live?topic=secrets")).status, 400)
    })
  )

  it.effect("follows the events that are asked for, hides personal data, and leaves out what is too much", () =>
    Effect.gen(function* () {
      const { url } = yield* OperatorTest
      const nats = yield* Nats
      const publishing = Effect.sync(() => {
        for (let seq = 1; seq <= 600; seq++) {
          const rows = [rowOf("Order", "eu_other", seq), rowOf("Order", "eu_one", seq), rowOf("Sku", "eu_one", seq)]
          nats.publish(Subject.eventMessage("eu", ["Order", "Sku"]), rows.join("\n"))
        }
      }).pipe(Effect.repeat(Schedule.spaced("200 millis")))
      const heard = yield* Effect.raceFirst(
        frames(`${url}/v1/ops/live?tail=Order:eu_one`, authorization, (text) => ofName(text, "events").length >= 2),
        Effect.map(publishing, () => ({ status: 0, text: "" }))
      )
      const [, second] = ofName(heard.text, "events") as ReadonlyArray<{
        items: Array<{ entity: string }>
        left: number
      }>
      assert.isTrue(second!.items.every(({ entity }) => entity === "Order/eu_one"))
      assert.isAtMost(second!.items.length, 250)
      assert.isAbove(second!.left, 0)
      assert.notInclude(heard.text, "ada@")
    })
  )

  // Each of these mostly waits, for something of its own.
  describe.concurrent("in time", () => {
    it.effect("says which process has stopped asking what, as long as it has", () =>
      Effect.gen(function* () {
        const { send } = yield* OperatorTest
        const breaker = yield* Breaker.make("database:eu", { callsMin: 2 })
        const alarmIs = (open: boolean) =>
          send("GET", "alarms").pipe(
            Effect.map(({ json }) => json.items.find(({ code }: { readonly code: string }) => code === "breaker_open")),
            Effect.repeat({
              until: (found) => (found !== undefined) === open,
              schedule: Schedule.spaced("200 millis")
            }),
            Effect.timeout("20 seconds")
          )
        yield* Effect.repeat(Effect.exit(breaker.run(Effect.fail("no answer"))), { times: 3 })
        const found = yield* alarmIs(true)
        assert.deepInclude(found, { subject: "edge database:eu", region: "eu", command: "halles doctor" })
        yield* Effect.repeat(Effect.exit(breaker.run(Effect.void)), {
          until: Exit.isSuccess,
          schedule: Schedule.spaced("100 millis")
        })
        yield* alarmIs(false)
      }).pipe(Effect.provide(BreakerNews.layerTell("edge")))
    )

    it.effect("alarms about messages of streams that were given up, until they are struck off", () =>
      Effect.gen(function* () {
        const { send } = yield* OperatorTest
        const nats = yield* Nats
        const advisory = {
          stream: "EVENTS_EU",
          consumer: "webhooks_Order",
          stream_seq: 1,
          deliveries: 1,
          reason: "no row"
        }
        const alarmIs = (wanted: boolean) =>
          send("GET", "alarms").pipe(
            Effect.map(({ json }) =>
              json.items.find(({ id }: { readonly id: string }) => id === "dead_letters:streams")
            ),
            Effect.repeat({
              until: (found) => (found !== undefined) === wanted,
              schedule: Schedule.spaced("200 millis")
            }),
            Effect.timeout("20 seconds")
          )
        yield* alarmIs(false)
        nats.publish(
          "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.EVENTS_EU.webhooks_Order",
          JSON.stringify({ ...advisory, timestamp: new Date().toISOString() })
        )
        assert.deepInclude(yield* alarmIs(true), { code: "dead_letters", value: 1, command: "halles dlq list" })
        const { json } = yield* send("GET", "dead-letters?limit=100")
        const ids = json.items
          .map(({ id }: { readonly id: string }) => id)
          .filter((id: string) => id.startsWith("stream:"))
        const off = yield* send("POST", "dead-letters/resolve", { reason: "a test", ids })
        assert.deepStrictEqual(off.json, { resolved: 1, left: 0 })
        yield* alarmIs(false)
      })
    )

    it.effect("cuts off who does not read, and says so last", () =>
      Effect.gen(function* () {
        const { url } = yield* OperatorTest
        const nats = yield* Nats
        const long = "x".repeat(8_000)
        /** So many rounds are more than may wait for a client. They are counted, not timed, since they share a thread with the operator process. */
        const roundsMax = 160
        let rounds = 0
        const { hostname, port } = new URL(url)
        const socket = connect(Number(port), hostname)
        socket.pause()
        socket.write(`GET /v1/ops/live?tail=Sku HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminToken}\r\n\r\n`)
        const publishing = Effect.sync(() => {
          rounds += 1
          if (rounds === roundsMax) socket.resume()
          for (let seq = 1; seq <= 30; seq++) {
            const row = {
              type: "Sku",
              id: "eu_long",
              seq,
              commandId: "c",
              at: 1,
              // A member that is shown: hidden ones are short.
              events: [{ _tag: "Noted", sku: long }],
              meta: {}
            }
            nats.publish(Subject.eventMessage("eu", ["Sku"]), JSON.stringify(row))
          }
        }).pipe(Effect.repeat(Schedule.spaced("100 millis")))
        const reading = Effect.promise(
          () =>
            new Promise<string>((resolve) => {
              let text = ""
              socket.on("data", (chunk) => {
                text = (text + chunk.toString()).slice(-10_000)
                if (text.includes("event: bye")) socket.destroy()
              })
              socket.on("close", () => resolve(text))
            })
        )
        const text = yield* Effect.raceFirst(reading, Effect.as(publishing, ""))
        assert.deepStrictEqual(ofName(text, "bye"), [{ reason: "slow" }])
      })
    )
  })
})
