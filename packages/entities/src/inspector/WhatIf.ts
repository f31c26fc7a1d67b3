import { Clock, Effect, Schema } from "effect"
import type { Rpc } from "effect/rpc"
import { domains } from "../Domains.ts"
import { difference } from "./Difference.ts"
import { nameOf, refsOf, stateOf, type When } from "./Histories.ts"
import { masked } from "./Masked.ts"

const contracts = new Map(domains.map(({ contract, type }) => [type, contract] as const))

/** The command does not fit the entity's contract. */
export class BadCommand extends Schema.TaggedError<BadCommand>()("BadCommand", { reason: Schema.String }) {
  override get message() {
    return `the command does not fit: ${this.reason}`
  }
}

/** The command of an entity's contract that the JSON spells; its id may be left out. */
const commandOf = (type: string, given: unknown): Effect.Effect<unknown, BadCommand> =>
  Effect.try({
    try: () => {
      const tag = typeof given === "object" && given !== null && "_tag" in given ? String(given._tag) : ""
      const { protocol } = contracts.get(type)!
      const rpc = protocol.requests.get(tag) as Rpc.AnyWithProps | undefined
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

/** What a command would do: decided and applied by the entity's own pure functions, here and nowhere else. Personal data is hidden. */
export const whatIf = Effect.fn("WhatIf.whatIf")(function* (given: string, when: When, command: unknown) {
  const [ref, ...others] = yield* refsOf(given)
  if (ref === undefined || others.length > 0) {
    return yield* new BadCommand({ reason: `say which one: ${[ref!, ...others].map(nameOf).join(", ")}` })
  }
  const { now } = yield* stateOf(ref, when)
  const would = now.would(yield* commandOf(ref.type, command), yield* Clock.currentTimeMillis)
  const after = would.events === null ? now : now.after(would.events)
  return {
    entity: nameOf(ref),
    seq: now.seq,
    refused: would.refused,
    events: would.events === null ? null : would.events.map((event) => masked(event)),
    pendingStep: after.pendingStep,
    timerAt: after.dueAt,
    changes: difference(masked(now.view), masked(after.view))
  }
})
