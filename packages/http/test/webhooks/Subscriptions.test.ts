import { assert, describe, it, layer } from "@effect/vitest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import * as WebhookTables from "@halles/shared/security/WebhookTables"
import { regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Context, Effect, Layer, Logger, Option, Redacted, Result, Schedule } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Subscriptions } from "../../src/webhooks/Subscriptions.ts"
import { collect } from "../../src/webhooks/Collector.ts"
import { messagesOf } from "../../src/webhooks/Occurrences.ts"
import * as Sealed from "../../src/webhooks/Sealed.ts"
import { Sender } from "../../src/webhooks/Sender.ts"
import { allowed, Targets } from "../../src/webhooks/WebhookTargets.ts"

const key = Redacted.make("a key")

interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}
type Behaviour = (request: IncomingMessage, response: ServerResponse, nth: number) => void

/** A receiver as one meets them outside: what it does on a path is for the test to say. */
class Receiver extends Context.Service<
  Receiver,
  {
    readonly url: string
    readonly got: (path: string) => ReadonlyArray<Received>
    readonly on: (path: string, behaviour: Behaviour) => void
  }
>()("Receiver") {
  static readonly layer = Layer.effect(
    Receiver,
    Effect.gen(function* () {
      const received: Array<Received> = []
      const behaviours = new Map<string, Behaviour>()
      const server = createServer((request, response) => {
        let body = ""
        request.on("data", (chunk: Buffer) => (body += chunk.toString()))
        request.on("end", () => {
          const path = request.url ?? ""
          received.push({ path, headers: request.headers as Received["headers"], body })
          const nth = received.filter((one) => one.path === path).length
          const behaviour = behaviours.get(path) ?? ((_, answer) => answer.writeHead(204).end())
          behaviour(request, response, nth)
        })
      })
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => {
          server.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      const address = server.address()
      return {
        url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
        got: (path) => received.filter((one) => one.path === path),
        on: (path, behaviour) => void behaviours.set(path, behaviour)
      }
    })
  )
}

const streams = Layer.effectDiscard(
  Effect.flatMap(Nats, (nats) =>
    Effect.promise(async () => {
      const manager = await jetstreamManager(nats)
      for (const region of regions) {
        await manager.streams.add({ name: Subject.eventStream(region), subjects: [Subject.events(region)] })
      }
    })
  )
)
const tables = Layer.effectDiscard(WebhookTables.create)

/** Three tries, a fraction of a second apart; three seconds of failing disable. */
const impatient = { delays: [100, 150], failingMsMax: 3_000 }

const Test = Layer.mergeAll(
  Subscriptions.layer(key),
  Layer.effectDiscard(Effect.flatMap(Sender, ({ wake }) => Effect.forkScoped(collect(wake))))
).pipe(
  Layer.provide(Sender.layer(Sealed.make(key), impatient)),
  Layer.provide(
    Layer.unwrap(
      Effect.map(Targets, ({ lookup }) => NodeHttpClient.layerUndiciOptions({ connect: { lookup, timeout: 1_000 } }))
    )
  ),
  Layer.provide(Targets.layer(allowed("127.0.0.0/8"))),
  Layer.provide([tables, streams]),
  Layer.provideMerge(Receiver.layer),
  Layer.provideMerge([PgTest.layer("subscriptions"), NatsTest.layerConnection("subscriptions")]),
  Layer.provideMerge(NatsTest.layer),
  Layer.provide(Logger.layer([]))
)

/** As the outbox publishes rows. */
const publish = (types: ReadonlyArray<string>, ...rows: ReadonlyArray<string>) =>
  Effect.flatMap(Nats, (nats) =>
    Effect.promise(() => jetstream(nats).publish(Subject.eventMessage("eu", types), rows.join("\n")))
  )
const rowOf = (type: string, id: string, seq: number, ...tags: ReadonlyArray<string>) =>
  JSON.stringify({ type, id, seq, at: Date.now() + 1_000, events: tags.map((_tag) => ({ _tag, secret: "x" })) })
const happens = (type: string, id: string, seq: number, ...tags: ReadonlyArray<string>) =>
  publish([type], rowOf(type, id, seq, ...tags))

const until = <A>(look: () => A, holds: (value: A) => boolean) =>
  Effect.repeat(Effect.sync(look), { schedule: Schedule.spaced("20 millis"), until: holds, times: 500 })

let made = 0
const subscribe = Effect.fnUntraced(function* (path: string, types: ReadonlyArray<string>, owner = "partner-1") {
  const receiver = yield* Receiver
  const subscriptions = yield* Subscriptions
  const id = `whe_${path.slice(1)}${++made}`
  const wanted = { id, owner, url: `${receiver.url}${path}`, description: "", types: types as never }
  return yield* subscriptions.create(wanted)
})

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("subscriptions", (it) => {
  it.effect("what happens is told, signed by the secret, and without anything personal", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const { secret } = yield* subscribe("/good", ["order.created", "order.confirmed"])
      yield* happens("Order", "eu_good", 1, "Placed")
      // Names that objects have by themselves are no kinds of events.
      yield* happens("Order", "eu_good", 2, "StockHeld", "toString", "constructor", "__proto__")
      yield* happens("constructor", "eu_good", 2, "toString")
      yield* happens("Order", "eu_good", 3, "PaymentAuthorised", "ShipmentBooked")
      const got = yield* until(
        () => receiver.got("/good"),
        (all) => all.length >= 2
      )
      const verify = WebhookSignature.make([Redacted.make(secret)]).verify
      for (const { body, headers } of got) assert.isTrue(Result.isSuccess(verify(headers, body)))
      assert.deepStrictEqual(
        got.map(({ body }) => JSON.parse(body)).map(({ data, type }) => [type, data.id, data.seq, data.href]),
        [
          ["order.created", "eu_good", 1, "/v1/orders/eu_good"],
          ["order.confirmed", "eu_good", 3, "/v1/orders/eu_good"]
        ]
      )
      assert.notInclude(got.map(({ body }) => body).join(""), "secret")
    })
  )

  it.effect("each row of a message is told once, whatever is beside it", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      yield* subscribe("/packed", ["order.created", "product.listed"])
      const rows = [
        rowOf("Order", "eu_first", 1, "Placed"),
        `{"type":"Order","id":"eu_broken","seq":1,`,
        rowOf("Product", "eu_CUP", 1, "ProductListed"),
        rowOf("Order", "eu_second", 1, "Placed")
      ]
      yield* publish(["Order", "Product"], ...rows)
      yield* publish(["Order"], rows[3]!, rowOf("Order", "eu_third", 1, "Placed"))
      const got = yield* until(
        () => receiver.got("/packed").map(({ body }) => JSON.parse(body).data.id),
        (ids) => ids.length >= 4
      )
      assert.sameMembers(got, ["eu_first", "eu_CUP", "eu_second", "eu_third"])
    })
  )

  it.effect("one that fails is tried again under the same id until it takes it; a repeat of the row adds nothing", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.on("/flaky", (_, response, nth) => response.writeHead(nth < 3 ? 500 : 200).end())
      const { endpoint } = yield* subscribe("/flaky", ["product.listed"])
      yield* happens("Product", "eu_TEA", 1, "ProductListed")
      yield* happens("Product", "eu_TEA", 1, "ProductListed")
      const got = yield* until(
        () => receiver.got("/flaky"),
        (all) => all.length >= 3
      )
      assert.strictEqual(new Set(got.map(({ headers }) => headers["webhook-id"])).size, 1)
      const subscriptions = yield* Subscriptions
      const {
        items: [delivery, ...others]
      } = yield* Effect.repeat(subscriptions.deliveries(endpoint.id, { limit: 10 }), {
        schedule: Schedule.spaced("20 millis"),
        until: ({ items: [first] }) => first?.state === "delivered",
        times: 100
      })
      assert.deepInclude(delivery, { state: "delivered", attempts: 3 })
      assert.deepStrictEqual(others, [])
    })
  )

  it.effect("what is never taken is dead after the last try, and may be asked for again", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const subscriptions = yield* Subscriptions
      let broken = true
      receiver.on("/dead", (_, response) =>
        broken ? response.writeHead(307, { location: `${receiver.url}/good` }).end() : response.writeHead(204).end()
      )
      const before = receiver.got("/good").length
      const { endpoint } = yield* subscribe("/dead", ["payment.captured"])
      yield* happens("Payment", "eu_dead", 4, "Captured")
      const state = (wanted: string) =>
        Effect.repeat(subscriptions.deliveries(endpoint.id, { limit: 10 }), {
          schedule: Schedule.spaced("20 millis"),
          until: ({ items: [first] }) => first?.state === wanted,
          times: 300
        })
      const {
        items: [dead]
      } = yield* state("dead")
      assert.deepInclude(dead, { state: "dead", attempts: 3, outcome: "status 307 redirects are not followed" })
      assert.strictEqual(receiver.got("/good").length, before, "a redirect was followed")
      broken = false
      assert.strictEqual(yield* subscriptions.replay(endpoint.id, null), 1)
      yield* state("delivered")
      const ids = receiver.got("/dead").map(({ headers }) => headers["webhook-id"])
      assert.deepStrictEqual([ids.length, new Set(ids).size], [4, 1])
    })
  )

  it.effect("one that hangs keeps nobody else waiting", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      receiver.on("/hangs", () => undefined)
      yield* subscribe("/hangs", ["stock.changed"])
      yield* subscribe("/quick", ["stock.changed"])
      for (let seq = 1; seq <= 30; seq++) yield* happens("Sku", "eu_MUG", seq, "Received")
      const startedMs = Date.now()
      yield* until(
        () => receiver.got("/quick").length,
        (count) => count >= 30
      )
      assert.strictEqual(receiver.got("/quick").length, 30)
      assert.isBelow(Date.now() - startedMs, 8_000)
      assert.isAtMost(receiver.got("/hangs").length, 4)
    })
  )

  it.effect("one that fails for too long, or is gone, is disabled; the owner's other endpoints are told", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const subscriptions = yield* Subscriptions
      receiver.on("/gone", (_, response) => response.writeHead(410).end())
      receiver.on("/broken", (_, response) => response.writeHead(500).end())
      yield* subscribe("/notices", ["endpoint.disabled"], "partner-2")
      const gone = yield* subscribe("/gone", ["order.delivered"], "partner-2")
      const broken = yield* subscribe("/broken", ["order.delivered"], "partner-2")
      yield* happens("Order", "eu_gone", 9, "Delivered")
      yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 30 }, (_, n) => 10 + n),
          (seq) => Effect.andThen(Effect.sleep("200 millis"), happens("Order", "eu_gone", seq, "Delivered")),
          { discard: true }
        )
      )
      const notices = yield* until(
        () => receiver.got("/notices").map(({ body }) => JSON.parse(body).data),
        (all) => all.length >= 2
      )
      assert.sameDeepMembers(notices, [
        { id: gone.endpoint.id, reason: "it answered 410" },
        { id: broken.endpoint.id, reason: "it failed for too long" }
      ])
      const found = yield* subscriptions.find("partner-2", broken.endpoint.id)
      assert.isTrue(Option.exists(found, ({ disabledReason, enabled }) => !enabled && disabledReason !== null))
      assert.isTrue(Option.isNone(yield* subscriptions.find("partner-1", broken.endpoint.id)), "others see nothing")
    })
  )

  it.effect("while a secret is replaced both sign", () =>
    Effect.gen(function* () {
      const receiver = yield* Receiver
      const subscriptions = yield* Subscriptions
      const { endpoint, secret } = yield* subscribe("/rotated", ["product.unlisted"])
      const next = yield* subscriptions.rotate(endpoint.id)
      assert.notStrictEqual(next, secret)
      yield* subscriptions.test(endpoint.id)
      const [got] = yield* until(
        () => receiver.got("/rotated"),
        (all) => all.length > 0
      )
      for (const one of [secret, next]) {
        const signature = WebhookSignature.make([Redacted.make(one)])
        assert.isTrue(Result.isSuccess(signature.verify(got!.headers, got!.body)))
      }
    })
  )
})

const check = (url: string, ranges = "") =>
  Effect.flip(Effect.flatMap(Targets, (targets) => targets.check(url))).pipe(
    Effect.map(({ reason }) => reason),
    Effect.catch(() => Effect.succeed("allowed")),
    Effect.provide(Targets.layer(allowed(ranges)))
  )

describe("targets", () => {
  it.live("are public addresses by https, in whatever form they are written", () =>
    Effect.gen(function* () {
      const expected: Readonly<Record<string, string>> = {
        "https://93.184.216.34/hook": "allowed",
        "http://93.184.216.34/hook": "not_https",
        "https://user:word@93.184.216.34/": "has_credentials",
        "ftp://93.184.216.34/": "not_https",
        "not a url": "malformed",
        "https://127.0.0.1/": "private_address",
        "https://2130706433/": "private_address",
        "https://0x7f.1/": "private_address",
        "https://10.1.2.3/": "private_address",
        "https://169.254.169.254/latest/meta-data": "private_address",
        "https://100.64.0.1/": "private_address",
        "https://[::1]/": "private_address",
        "https://[fd00::1]/": "private_address",
        "https://[fe80::1]/": "private_address",
        "https://[::ffff:10.0.0.1]/": "private_address",
        "https://[64:ff9b::a00:1]/": "private_address",
        "https://[::127.0.0.1]/": "private_address",
        "https://[::7f00:1]/": "private_address",
        "https://[::93.184.216.34]/": "private_address",
        "https://[::ffff:0:127.0.0.1]/": "private_address",
        "https://[64:ff9b::7f00:1]/": "private_address",
        "https://[64:ff9b:1::a00:1]/": "private_address",
        "https://[2002:7f00:1::]/": "private_address",
        "https://[2002:a00:1::1]/": "private_address",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": "private_address",
        "https://[2001:db8::1]/": "private_address",
        "https://[2001:1::1]/": "private_address",
        "https://[3fff::1]/": "private_address",
        "https://[fec0::1]/": "private_address",
        "https://[5f00::1]/": "private_address",
        "https://[4000::1]/": "private_address",
        "https://[ff02::1]/": "private_address",
        "https://[::]/": "private_address",
        "https://[fe80::1%25eth0]/": "malformed",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/": "allowed",
        "https://0.0.0.0/": "private_address",
        "https://0/": "private_address",
        "https://127.1/": "private_address",
        "https://0177.0.0.1/": "private_address",
        "https://0x7f000001/": "private_address",
        "https://017700000001/": "private_address",
        "https://127.0.0.1./": "private_address",
        "https://%31%32%37.0.0.1/": "private_address",
        "https://\uff11\uff12\uff17.0.0.1/": "private_address",
        "https://127\u30020\u30020\u30021/": "private_address",
        "https:\\\\127.0.0.1\\": "private_address",
        "https:127.0.0.1": "private_address",
        " https://127.0.0.1/": "private_address",
        "https://user@127.0.0.1/": "has_credentials",
        "https://93.184.216.34@127.0.0.1/": "has_credentials",
        "https://:@93.184.216.34/": "allowed",
        "https://172.31.255.255/": "private_address",
        "https://172.32.0.1/": "allowed",
        "https://192.0.2.1/": "private_address",
        "https://198.18.0.1/": "private_address",
        "https://224.0.0.1/": "private_address",
        "https://255.255.255.255/": "private_address",
        "https://240.0.0.1/": "private_address",
        "https://256.0.0.1/": "malformed",
        "https://localhost/": "private_address",
        "https://LOCALHOST/": "private_address",
        "https://nobody.invalid/": "unknown_host",
        "https://93.184.216.34:443/": "allowed",
        "https://93.184.216.34:8443/": "allowed",
        "https://93.184.216.34:22/": "port_not_allowed",
        "https://93.184.216.34:25/": "port_not_allowed",
        "https://93.184.216.34:80/": "port_not_allowed",
        "https://93.184.216.34:5432/": "port_not_allowed",
        "https://93.184.216.34:6379/": "port_not_allowed",
        "https://93.184.216.34:0/": "port_not_allowed",
        "https://93.184.216.34:65536/": "malformed"
      }
      for (const [url, reason] of Object.entries(expected)) assert.strictEqual(yield* check(url), reason, url)
      // Some resolvers know no name that ends in a dot.
      assert.include(["private_address", "unknown_host"], yield* check("https://localhost./"))
      assert.strictEqual(yield* check("http://127.0.0.1:8080/", "127.0.0.0/8"), "allowed")
      assert.strictEqual(yield* check("http://[::ffff:127.0.0.1]:8080/", "127.0.0.0/8"), "allowed")
      assert.strictEqual(yield* check("http://[::1]:8080/", "127.0.0.0/8"), "private_address")
      assert.strictEqual(yield* check("http://93.184.216.34:8080/", "127.0.0.0/8"), "port_not_allowed")
    })
  )
})

/** What a name comes to where a socket asks for it. */
const connecting = (networks: string) =>
  Effect.gen(function* () {
    const { lookup } = yield* Targets
    return yield* Effect.callback<string>((resume) =>
      lookup("localhost", { all: true }, (error, found) => resume(Effect.succeed(error?.code ?? JSON.stringify(found))))
    )
  }).pipe(Effect.provide(Targets.layer(allowed(networks))))

it.live("a host is checked again where it is connected to, whatever its name led to before", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* connecting(""), "EPRIVATE")
    // One address that is not allowed is enough.
    assert.strictEqual(yield* connecting("10.0.0.0/8"), "EPRIVATE")
    assert.match(yield* connecting("127.0.0.0/8,::1/128"), /127\.0\.0\.1|::1/)
  })
)

it("a row tells each type once, under an id of its own that is always the same", () => {
  const row = {
    type: "Sku",
    id: "eu_TEA",
    seq: 7,
    at: 0,
    events: [{ _tag: "Received" }, { _tag: "BackOrdersFilled" }, { _tag: "ExpiryChecked" }]
  }
  const [message, ...others] = messagesOf(row)
  assert.deepStrictEqual(others, [])
  assert.strictEqual(message?.type, "stock.changed")
  assert.strictEqual(message?.id, messagesOf(row)[0]?.id)
  assert.notStrictEqual(message?.id, messagesOf({ ...row, seq: 8 })[0]?.id)
})
