import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Scope } from "effect"
import { networkOf } from "@halles/shared/clients/NetworkAddress"
import * as FastCheck from "fast-check"
import { Agent, type IncomingHttpHeaders, request as httpRequest } from "node:http"
import * as AddressRules from "../../src/admission/AddressRules.ts"
import * as Bots from "../../src/admission/Bots.ts"
import { type Fault, Faults } from "../../src/admission/InjectedFaults.ts"
import { AdmissionControl } from "../../src/admission/AdmissionControl.ts"
import { methodsOf, routeOf } from "../../src/openapi/RouteTable.ts"
import * as RetryBudget from "../../src/admission/RetryBudget.ts"
import { CorsOrigins } from "../../src/admission/SecurityHeaders.ts"
import * as Shedding from "../../src/admission/Shedding.ts"
import type { Priority } from "@halles/shared/wire/Traffic"
import { AdmissionControlTest, noRules } from "./AdmissionControlTest.ts"

const browser = "Mozilla/5.0 (X11; Linux x64; rv:130.0) Gecko/20100101 Firefox/130.0"
const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(() => fetch(url, { headers: { "user-agent": browser, ...headers } }))
const json = (response: Response) => Effect.promise(() => response.json() as Promise<Readonly<Record<string, unknown>>>)

describe("admission control", () => {
  it.live("says how much is left, and 429 with the wait when nothing is", () =>
    Effect.gen(function* () {
      const { url } = yield* AdmissionControlTest
      const first = yield* get(`${url}/v1/products/TEA?region=eu`)
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("ratelimit-policy"), '"address";q=3000;w=60')
      assert.match(first.headers.get("ratelimit") ?? "", /^"address";r=2999;t=1$/)
      // An import costs fifty tokens, and has a bucket of its own with room for twenty-four.
      const responses = yield* Effect.forEach(Array.from({ length: 30 }), () =>
        Effect.promise(() => fetch(`${url}/v1/catalog/import`, { method: "POST", headers: { "user-agent": browser } }))
      )
      assert.strictEqual(responses.filter(({ status }) => status === 200).length, 24)
      const last = responses.at(-1) ?? assert.fail("no answer")
      assert.strictEqual(last.status, 429)
      assert.match(last.headers.get("ratelimit") ?? "", /^"import";r=\d+;t=\d+$/)
      assert.match(last.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
      assert.strictEqual(last.headers.get("content-type"), "application/problem+json")
      assert.strictEqual((yield* json(last))["code"], "rate_limited")
      const vital = yield* get(`${url}/health/live`)
      assert.strictEqual(vital.status, 200)
      assert.isNull(vital.headers.get("ratelimit"))
    }).pipe(Effect.provide(AdmissionControlTest.layer()))
  )

  it.live("does not limit whom the rules name, and believes X-Forwarded-For only of a proxy", () =>
    Effect.gen(function* () {
      const { url } = yield* AdmissionControlTest
      const own = yield* get(`${url}/v1/products/TEA`)
      assert.isNull(own.headers.get("ratelimit"))
      const denied = yield* get(`${url}/v1/products/TEA`, { "x-forwarded-for": "192.0.2.7" })
      assert.strictEqual(denied.status, 403)
      assert.strictEqual((yield* json(denied))["code"], "address_denied")
      assert.strictEqual(
        (yield* get(`${url}/v1/products/TEA`, { "x-forwarded-for": "192.0.2.7, 198.51.100.1" })).status,
        200
      )
    }).pipe(
      Effect.provide(
        AdmissionControlTest.layer({ unlimited: "127.0.0.0/8", deny: "192.0.2.0/24", trustedProxies: "127.0.0.1" })
      )
    )
  )

  it.live("what was shared with one is given to the next without the application; nothing personal is", () =>
    Effect.gen(function* () {
      const { invalidate, seen, url } = yield* AdmissionControlTest
      const tea = "/v1/products/TEA?region=eu"
      const first = yield* get(`${url}${tea}`)
      const second = yield* get(`${url}${tea}`)
      assert.strictEqual(seen(), 1)
      assert.deepStrictEqual(yield* json(first), { made: 1, who: "anybody" })
      assert.deepStrictEqual(yield* json(second), { made: 1, who: "anybody" })
      for (const name of ["etag", "cache-control", "content-type", "content-length", "vary"]) {
        assert.strictEqual(second.headers.get(name), first.headers.get(name), name)
      }
      // `fetch` would say no-cache with it.
      const unchanged = yield* Effect.promise(() => send(new Agent(), `${url}${tea}`, { "if-none-match": '"1"' }))
      assert.deepStrictEqual([unchanged.status, unchanged.headers.etag, seen()], [304, '"1"', 1])
      // Whoever could be told apart goes the whole way.
      for (const [name, value] of [
        ["authorization", "Bearer someone"],
        ["cookie", "session=1"],
        ["x-api-key", "key"],
        ["origin", "https://shop.test"],
        ["consistency-token", "token"],
        ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]
      ] as const) {
        const before = seen()
        yield* get(`${url}${tea}`, { [name]: value })
        assert.strictEqual(seen(), before + 1, name)
      }
      const secret = "/v1/products/personal"
      yield* get(`${url}${secret}`)
      const before = seen()
      yield* get(`${url}${secret}`)
      assert.strictEqual(seen(), before + 1)
      yield* invalidate(tea)
      assert.notStrictEqual((yield* get(`${url}${tea}`)).headers.get("etag"), '"1"')
    }).pipe(Effect.provide(AdmissionControlTest.layer({ unlimited: "127.0.0.0/8" })))
  )

  it.live("a page of a listed origin may read what admission control says itself, another page may not", () =>
    Effect.gen(function* () {
      const { url } = yield* AdmissionControlTest
      const refused = yield* get(url, { origin: "https://shop.test" })
      assert.strictEqual(refused.status, 403)
      assert.strictEqual(refused.headers.get("access-control-allow-origin"), "https://shop.test")
      assert.include(refused.headers.get("access-control-expose-headers"), "retry-after")
      assert.isNull((yield* get(url, { origin: "https://evil.test" })).headers.get("access-control-allow-origin"))
    }).pipe(
      Effect.provide(AdmissionControlTest.layer({ deny: "127.0.0.0/8" })),
      Effect.provideService(CorsOrigins, ["https://shop.test"])
    )
  )

  it.live("a route is slow, fails or is silent while an operator wants it so, and the others are as ever", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* AdmissionControlTest
      assert.strictEqual((yield* get(`${url}/v1/products/TEA`)).status, 200)
      kind = "error"
      const failed = yield* get(`${url}/v1/carts/eu_1`)
      assert.deepStrictEqual([failed.status, (yield* json(failed))["code"]], [503, "fault_injected"])
      assert.isNotNull(failed.headers.get("retry-after"))
      kind = "drop"
      assert.strictEqual((yield* Effect.exit(get(`${url}/v1/carts/eu_1`)))._tag, "Failure")
      assert.strictEqual(seen(), 1)
      kind = "latency"
      const since = performance.now()
      assert.strictEqual((yield* get(`${url}/v1/carts/eu_1`)).status, 200)
      assert.isAtLeast(performance.now() - since, 190)
    }).pipe(
      Effect.provide(
        AdmissionControlTest.layer(
          {},
          undefined,
          undefined,
          Layer.mock(Faults, {
            draw: (target) => (target === "route:getCart" ? { ...fault, kind } : undefined)
          })
        )
      )
    )
  )
  let kind: Fault["kind"] = "error"
  const fault = {
    id: "flt_000000000000",
    target: "route:getCart",
    latencyMs: 200,
    percent: 100,
    reason: "a test",
    startedBy: "me",
    startedAt: 0,
    endsAt: 1
  }

  it.live("an address that guesses is asked to wait", () =>
    Effect.gen(function* () {
      const { url } = yield* AdmissionControlTest
      yield* Effect.forEach(
        Array.from({ length: 110 }),
        () => Effect.tap(get(`${url}/v1/carts/none`), (response) => Effect.promise(() => response.text())),
        { concurrency: 16 }
      )
      const response = yield* get(`${url}/v1/products/TEA`)
      assert.strictEqual(response.status, 429)
      assert.strictEqual((yield* json(response))["code"], "challenge_required")
    }).pipe(Effect.provide(AdmissionControlTest.layer()))
  )

  it.live("stops without losing what was sent: readiness first, connections told to close, answers to the end", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        AdmissionControlTest.layer({ unlimited: "127.0.0.0/8" }, Duration.millis(300)),
        scope
      )
      const { admission, test } = yield* Effect.provideContext(
        Effect.all({ admission: Effect.serviceOption(AdmissionControl), test: AdmissionControlTest }),
        context
      )
      const draining = () =>
        admission._tag === "Some" ? admission.value.state().draining : assert.fail("no admission control")
      const agent = new Agent({ keepAlive: true, maxSockets: 8 })
      const answers: Array<{ readonly status: number }> = []
      const failures: Array<unknown> = []
      let begun = 0
      let stopped = false
      // A client on kept-alive connections, that opens no new one once readiness has fallen, as behind a balancer.
      const client = async () => {
        for (;;) {
          if (stopped && draining()) return
          begun += 1
          await send(agent, `${test.url}/v1/products/TEA`).then(
            (answer) => answers.push(answer),
            (error: unknown) => failures.push(error)
          )
        }
      }
      const clients = Promise.all(Array.from({ length: 8 }, client))
      const slow = send(new Agent(), `${test.url}/v1/orders/eu_1`)
      yield* test.waiting
      assert.isFalse(draining())
      stopped = true
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* Effect.promise(() => clients)
      assert.isTrue(draining())
      yield* Effect.sleep("700 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* test.release
      const last = yield* Effect.promise(() => slow)
      assert.strictEqual(last.status, 200)
      yield* Effect.forEach([closing], (fiber) =>
        Effect.promise(() => new Promise((resolve) => fiber.addObserver(resolve)))
      )
      assert.deepStrictEqual(failures, [])
      assert.strictEqual(answers.length, begun)
      assert.isTrue(answers.every(({ status }) => status === 200))
      const refused = yield* Effect.exit(Effect.tryPromise(() => fetch(`${test.url}/health/live`)))
      assert.isTrue(Exit.isFailure(refused))
    })
  )
})

const send = (agent: Agent, url: string, headers: Record<string, string> = {}) =>
  new Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }>((resolve, reject) => {
    httpRequest(url, { agent, headers }, (response) => {
      response.resume()
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
    })
      .once("error", reject)
      .end()
  })

const rules = (changed: Partial<AddressRules.Rules>) => AddressRules.make({ ...noRules, ...changed })

describe("address rules", () => {
  it("takes CIDR ranges of both families, and refuses what is none", () => {
    const { verdict } = rules({ deny: "10.0.0.0/8, 2001:db8::/32", unlimited: "::1" })
    assert.isTrue(verdict("10.255.0.1").denied)
    assert.isFalse(verdict("11.0.0.1").denied)
    assert.isTrue(verdict("2001:db8:1::9").denied)
    assert.isTrue(verdict("::1").unlimited)
    assert.isTrue(rules({ allow: "10.0.0.0/8" }).verdict("11.0.0.1").denied)
    for (const bad of ["10.0.0.0/33", "10.0.0", "::/129", "10.0.0.0/x"]) {
      assert.throws(() => AddressRules.parse(bad), /Not an address/)
    }
  })

  it("nobody makes up an address by a header: only hops that proxies of ours wrote count", () => {
    const { clientOf } = rules({ trustedProxies: "10.0.0.0/8" })
    assert.strictEqual(clientOf("203.0.113.1", "192.0.2.1"), "203.0.113.1")
    assert.strictEqual(clientOf("::ffff:10.0.0.1", "192.0.2.1"), "192.0.2.1")
    assert.strictEqual(clientOf("10.0.0.1", "1.1.1.1, 192.0.2.1, 10.0.0.2"), "192.0.2.1")
    assert.strictEqual(clientOf("10.0.0.1", "nonsense"), "10.0.0.1")
    FastCheck.assert(
      FastCheck.property(FastCheck.ipV4(), FastCheck.string(), (client, made) => {
        FastCheck.pre(!client.startsWith("10."))
        assert.strictEqual(clientOf("10.0.0.1", `${made},${client}`), client)
      })
    )
  })

  it("counts IPv6 by its /64", () => {
    assert.strictEqual(networkOf("192.0.2.1"), "192.0.2.1")
    assert.strictEqual(networkOf("2001:db8::1"), networkOf("2001:db8:0:0:ffff::2"))
    assert.notStrictEqual(networkOf("2001:db8::1"), networkOf("2001:db8:0:1::1"))
  })
})

/** Of a thousand requests at this delay, so many are refused. */
const share = (priority: Priority, delay: number) => {
  const shedding = Shedding.make(() => delay)
  return Array.from({ length: 1_000 }, () => shedding.refuses(priority, 0)).filter(Boolean).length
}

describe("shedding", () => {
  const priorities: ReadonlyArray<Priority> = ["bulk", "browse", "cart", "checkout", "vital"]
  it("whoever is kept at a delay is kept at each smaller one, and more important traffic at least as long", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.nat(3_000), FastCheck.nat(3_000), (one, other) => {
        const [less, more] = one < other ? [one, other] : [other, one]
        for (const [at, priority] of priorities.entries()) {
          assert.isAtMost(share(priority, less), share(priority, more) + 1)
          const next = priorities[at + 1]
          if (next !== undefined) assert.isAtMost(share(next, more), share(priority, more) + 1)
        }
      }),
      { numRuns: 50 }
    )
    assert.strictEqual(share("browse", 350), 500)
    assert.strictEqual(share("vital", 1e9), 0)
  })

  it("bounds what is under way, the least important first", () => {
    const { refuses } = Shedding.make(() => 0)
    assert.isTrue(refuses("bulk", 1_000))
    assert.isFalse(refuses("checkout", 1_999))
    assert.isTrue(refuses("checkout", 2_000))
    assert.isFalse(refuses("vital", 10_000))
  })
})

describe("bots", () => {
  it("knows who says so, and forgives whoever stops", () => {
    let now = 0
    const bots = Bots.make({ now: () => now })
    assert.isTrue(bots.declared("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"))
    assert.isFalse(bots.declared("Mozilla/5.0 (X11; Linux x64; rv:130.0) Gecko/20100101 Firefox/130.0"))
    for (let count = 0; count < 120; count += 1) bots.saw({ "user-agent": "x" }, "192.0.2.1", 404)
    assert.isTrue(bots.suspect("192.0.2.1"))
    assert.isFalse(bots.suspect("192.0.2.2"))
    now += 120_000
    assert.isFalse(bots.suspect("192.0.2.1"))
  })
})

describe("retries", () => {
  it("are at most a tenth of the calls, and what was saved", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.boolean(), { maxLength: 2_000 }), (steps) => {
        const budget = RetryBudget.make()
        let calls = 0
        let retries = 0
        for (const isCall of steps) {
          if (isCall) {
            calls += 1
            budget.earn()
          } else if (budget.take()) retries += 1
        }
        assert.isAtMost(retries, 200 + calls / 10 + 1e-6)
      })
    )
  })
})

describe("routes", () => {
  it("are found by path and method", () => {
    assert.strictEqual(routeOf("PUT", "/v1/carts/eu_1/lines/TEA?x=/").name, "putLine")
    assert.strictEqual(routeOf("GET", "/v1/products/TEA/").name, "getProduct")
    assert.strictEqual(routeOf("HEAD", "/v1/products").name, "listProducts")
    assert.strictEqual(routeOf("POST", "/v1/products").name, "unrouted")
    assert.deepStrictEqual([...methodsOf("/v1/carts/eu_1").keys()], ["GET"])
    assert.strictEqual(methodsOf("/v1/nothing").size, 0)
    assert.strictEqual(methodsOf("/v1").size, 0)
    // However a path is written, admission control and the application take it for the same route.
    for (const path of [
      "/v1/carts/eu_1/%63heckout",
      "/v1/carts/eu_1/checkout;x=1",
      "http://edge/v1/carts/eu_1/checkout"
    ]) {
      assert.strictEqual(routeOf("POST", path).name, "checkOut", path)
    }
    for (const path of ["/v1/carts/eu_1//checkout", "/V1/carts/eu_1/checkout", "/v1/carts//"]) {
      assert.strictEqual(routeOf("POST", path).name, "unrouted", path)
    }
    assert.strictEqual(routeOf("GET", `/v1/carts/eu_${"a".repeat(3_000)}`).name, "getCart")
  })
})
