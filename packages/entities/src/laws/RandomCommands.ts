import type { Commanded } from "@halles/engine/eventsourced/Kind"
import { Arbitrary, Effect, Option, Schema } from "effect"
import type { Entity } from "effect/cluster"
import type { Rpc } from "effect/rpc"

type Contract = Entity.Entity<string, Rpc.Any>
/** The class of a command. */
type Payload = Schema.ConstraintCodec<Commanded, unknown> & {
  readonly makeOption: (fields: object) => Option.Option<Commanded>
}

const isCommand = ({ payloadSchema }: Rpc.AnyWithProps): boolean =>
  "fields" in payloadSchema && "commandId" in (payloadSchema.fields as object)

/** The messages of a contract that are commands, by name. */
const payloadsOf = ({ protocol }: Contract): ReadonlyMap<string, Payload> => {
  const rpcs = [...protocol.requests.values()] as unknown as ReadonlyArray<Rpc.AnyWithProps>
  return new Map(rpcs.filter(isCommand).map(({ _tag, payloadSchema }) => [_tag, payloadSchema as unknown as Payload]))
}

const number = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 20 })))

/**
 * Histories of commands to one entity, made of the payload schemas of its contract: of all its commands, or of those with the names.
 *
 * **Details**
 *
 * About half of the fields take a value that the same field of an earlier command had: only who releases what was held before
 * gets beyond a refusal. No command says which version it is meant for: a made-up one is refused before anything is decided.
 */
export const histories = (contract: Contract, names?: ReadonlyArray<string>) => {
  const payloads = new Map([...payloadsOf(contract)].filter(([tag]) => names?.includes(tag) !== false))
  const command = Arbitrary.schema(Schema.Union([...payloads.values()]))
  // A command that its schema refuses is sampled again by itself. In an array one refused text would discard all commands.
  const sample = (count: number, seed: number) =>
    count === 0 ? [] : Effect.runSync(Arbitrary.sampleEffect(command, { count, seed, maxDiscards: 10_000 }))
  return (
    length: Arbitrary.ArrayOptions,
    nameOf: (index: number) => string
  ): Arbitrary.Arbitrary<ReadonlyArray<Commanded>> =>
    Arbitrary.map(Arbitrary.all([Arbitrary.array(number, length), number]), ([choices, seed]) => {
      const earlier = new Map<string, Array<unknown>>()
      return sample(choices.length, seed).map((given, index) => {
        const choice = choices[index]!
        const { makeOption } = payloads.get(given._tag)!
        const { expectedSeq: _, ...own } = { ...given, commandId: nameOf(index) }
        const again = Object.keys(own).flatMap((field, bit) => {
          const known = field === "commandId" || field === "_tag" ? undefined : earlier.get(field)
          return known === undefined || (choice >> bit) % 2 === 0
            ? []
            : [[field, known[choice % known.length]] as const]
        })
        for (const [field, value] of Object.entries(own)) earlier.set(field, [...(earlier.get(field) ?? []), value])
        // What the field of another message allows, this one's may not.
        return Option.getOrElse(makeOption({ ...own, ...Object.fromEntries(again) }), () =>
          Option.getOrThrow(makeOption(own))
        )
      })
    })
}
