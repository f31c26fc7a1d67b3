import { Schema } from "effect"
import { CommandId } from "./Ids.ts"
import { storable } from "./Text.ts"

/** Who asked, and what this belongs to; kept beside the events in the journal. */
export const Origin = Schema.Struct({
  /** `edge:import`, `order:eu_9c1f`, `timer` … never a name or an e-mail address. */
  actor: Schema.String.check(storable, Schema.isMaxLength(100)),
  /** One id over everything that one customer action caused. */
  correlationId: Schema.optionalKey(Schema.String.check(storable, Schema.isMaxLength(200))),
  /** The command that sent this one. */
  causationId: Schema.optionalKey(Schema.String.check(storable, Schema.isMaxLength(200)))
})
export type Origin = typeof Origin.Type

/** The fields of every command, spread into its class. */
export const commandFields = {
  commandId: CommandId,
  origin: Schema.optionalKey(Origin),
  /** The version of the entity that the sender decided on; at any other one the command is refused. 0: there is none yet. */
  expectedSeq: Schema.optionalKey(Schema.Int)
}
