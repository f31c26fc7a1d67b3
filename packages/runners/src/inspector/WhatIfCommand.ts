import { Cart } from "@halles/entities/Cart"
import { Customer } from "@halles/entities/Customer"
import { Order } from "@halles/entities/Order"
import { Payment } from "@halles/entities/Payment"
import { Product } from "@halles/entities/Product"
import { Shipment } from "@halles/entities/Shipment"
import { Sku } from "@halles/entities/Sku"
import { Console, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import type { Rpc } from "effect/rpc"
import { difference } from "./Difference.ts"
import { at, oneId, whenOf } from "./EntityCommands.ts"
import { nameOf, refsOf, stateOf } from "./Histories.ts"
import { masked } from "./Masked.ts"
import { clockTime, output, table } from "./Output.ts"

const contracts = { Cart, Customer, Order, Payment, Product, Shipment, Sku } as const

/** The command does not fit the entity's contract. */
export class BadCommand extends Schema.TaggedError<BadCommand>()("BadCommand", { reason: Schema.String }) {
  override get message() {
    return `the command does not fit: ${this.reason}`
  }
}

/** The command of an entity's contract that the JSON spells; its id may be left out. */
const commandOf = (type: string, json: string): Effect.Effect<unknown, BadCommand> =>
  Effect.try({
    try: () => {
      const given: unknown = JSON.parse(json)
      const tag = typeof given === "object" && given !== null && "_tag" in given ? String(given._tag) : ""
      const { protocol } = contracts[type as keyof typeof contracts]
      const rpc = (protocol.requests as ReadonlyMap<string, Rpc.Any>).get(tag) as Rpc.AnyWithProps | undefined
      if (rpc === undefined || tag === "View") {
        throw new Error(
          `"_tag" must be one of ${[...protocol.requests.keys()].filter((known) => known !== "View").join(", ")}`
        )
      }
      const codec = Schema.toCodecJson(rpc.payloadSchema) as unknown as Schema.Codec<unknown, unknown>
      return Schema.decodeUnknownSync(codec)({ commandId: "what-if", ...(given as object) })
    },
    catch: (cause) => new BadCommand({ reason: cause instanceof Error ? cause.message : String(cause) })
  })

export const whatIf = Command.make(
  "what-if",
  {
    id: oneId,
    at,
    command: Flag.String("command").pipe(
      Flag.withDescription('JSON, such as {"_tag":"Hold","orderId":"eu_x","quantity":5,"ttlMs":60000}')
    ),
    output
  },
  ({ at, command, id, output }) =>
    Effect.gen(function* () {
      const when = yield* whenOf(at)
      const [ref, ...others] = yield* refsOf(id)
      if (ref === undefined || others.length > 0) {
        return yield* new BadCommand({ reason: `say which one: ${[ref!, ...others].map(nameOf).join(", ")}` })
      }
      const { now } = yield* stateOf(ref, when)
      const would = now.would(yield* commandOf(ref.type, command), Date.now())
      const after = would.events === null ? now : now.after(would.events)
      const changes = difference(masked(now.view), masked(after.view))
      const answer = {
        entity: nameOf(ref),
        seq: now.seq,
        refused: would.refused,
        events: masked(would.events),
        owes: after.owes,
        wakesAt: after.dueAt === null ? null : clockTime(after.dueAt),
        changes
      }
      if (output !== "table") return yield* Console.log(JSON.stringify(answer))
      yield* Console.log(`${answer.entity} at seq ${now.seq}: nothing is written, nothing is sent.`)
      if (would.refused !== null) return yield* Console.log(`It would be refused: ${JSON.stringify(would.refused)}`)
      yield* Console.log(`It would record ${would.events.length} events:`)
      for (const event of would.events) yield* Console.log(`  ${JSON.stringify(masked(event))}`)
      if (changes.length > 0)
        yield* Console.log(
          table(
            changes.map((change) => ({ ...change })),
            ["path", "before", "after"]
          )
        )
      yield* Console.log(`It would then owe ${after.owes ?? "nothing"}.`)
    })
).pipe(
  Command.withDescription(
    "What a command would do: decided and applied by the entity's own pure functions, here and nowhere else"
  ),
  Command.withShortDescription("What a command would do, without doing it"),
  Command.withExamples([
    { command: `halles what-if Sku/eu_TEA-01 --command '{"_tag":"Hold","orderId":"eu_x","quantity":5,"ttlMs":60000}'` }
  ])
)
