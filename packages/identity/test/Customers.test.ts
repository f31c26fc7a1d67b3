import { assert, it } from "@effect/vitest"
import { Customer, CustomerView } from "@halles/entities/customer/Customer"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { layerRegion } from "@halles/entities/Migrations"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { CustomerId } from "@halles/shared/Ids"
import { Revocations } from "@halles/shared/security/Revocations"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Logger, Option, Redacted, Schedule } from "effect"
import { Entity } from "effect/cluster"
import { SqlClient } from "effect/sql"
import { Accounts } from "../src/accounts/Accounts.ts"
import { CustomersLive } from "../src/accounts/Customers.ts"
import { migrateIdentity } from "../src/Migrations.ts"
import { storeLayer } from "../src/oidc/Store.ts"

/** What customers were sent, and those who are not there yet. */
const sent: Array<string> = []
const here = new Set<string>()

const unused = () => Effect.die("nobody sends this")

const CustomerDouble = Customer.toLayer(
  Effect.gen(function* () {
    const id = CustomerId.make((yield* Entity.CurrentAddress).entityId)
    const none = { addresses: [], preferences: {}, consents: [], orders: { count: 0, recent: [] }, points: 0, seq: 1 }
    const view = new CustomerView({ id, guest: true, email: null, emailVerified: false, name: null, ...none })
    const record = (line: string) =>
      Effect.suspend(() => {
        if (!here.has(id)) return Effect.fail(new NotFound({ entity: "Customer", id }))
        sent.push(line)
        return Effect.succeed(view)
      })
    return Customer.of({
      Register: ({ payload }) =>
        Effect.sync(() => {
          here.add(id)
          sent.push(`register ${payload.email} ${payload.emailVerified}`)
          return view
        }),
      ChangeCustomer: ({ payload }) => record(`move to ${payload.email} ${payload.emailVerified}`),
      Forget: () => record("forget"),
      NoteOrder: unused,
      MovePoints: unused,
      TimerFired: unused,
      View: unused
    })
  })
)

const Test = CustomersLive.pipe(
  Layer.provideMerge(CustomerDouble),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(storeLayer({ issuer: "http://localhost", key: Redacted.make("a key of tests") })),
  Layer.provide([Layer.effectDiscard(migrateIdentity), Revocations.layerMemory]),
  Layer.provideMerge(PgTest.layer("identity_customers")),
  Layer.provide(Logger.layer([]))
)

it.live(
  "a customer is told of its account's changes in their order, and of its end last, also once it is there",
  () =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const sql = yield* SqlClient.SqlClient
      const made = Option.getOrThrow(
        yield* accounts.create({ email: "a@example.com", name: "Ada", passwordHash: null, region: "eu" })
      )
      yield* accounts.setEmail(made.id, "b@example.com")
      yield* accounts.setEmail(made.id, "c@example.com")
      const until = (length: number) =>
        Effect.repeat(
          Effect.sync(() => sent.length),
          { schedule: Schedule.spaced("20 millis"), until: (found) => found >= length, times: 500 }
        )
      yield* until(3)
      yield* accounts.erase(made.id)
      yield* until(4)
      assert.match(sent[0] ?? "", /^register [abc]@example\.com true$/)
      assert.deepStrictEqual(sent.slice(1), ["move to b@example.com true", "move to c@example.com true", "forget"])
      const left = yield* Effect.repeat(sql`SELECT 1 FROM identity.customer_notice`, {
        schedule: Schedule.spaced("20 millis"),
        until: (rows) => rows.length === 0,
        times: 100
      })
      assert.deepStrictEqual(left, [])
    }).pipe(Effect.provide(Test)),
  60_000
)
