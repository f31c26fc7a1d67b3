import { Schema } from "effect"
import { CommandId } from "./Ids.ts"
import { isMaxCharacters, paragraph, storable } from "./Text.ts"

/** Characters of the reason of a change. */
export const reasonMax = 300
/** Why somebody changes something, in their own words. */
export const Reason = paragraph(reasonMax)

/** Who asked, and what this belongs to; kept beside the events in the journal. */
export const Origin = Schema.Struct({
  /** `edge:import`, `order:eu_9c1f`, `timer` … never a name or an e-mail address. */
  actor: Schema.String.check(storable, Schema.isMaxLength(100)),
  /** Who sent the request, as the audit log names them: an account, a partner or a tool. Only where histories show it. */
  author: Schema.optionalKey(Schema.String.check(storable, Schema.isMaxLength(200))),
  /** Why the author makes the change. */
  reason: Schema.optionalKey(Schema.String.check(storable, isMaxCharacters(reasonMax))),
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

interface Stamped {
  readonly _tag: string
  readonly commandId: CommandId
  readonly origin?: Origin
  readonly expectedSeq?: number
}
/** A command's own fields, without its tag and those of every command. */
export const fieldsOf = <C extends Stamped>({
  _tag,
  commandId: _id,
  expectedSeq: _seq,
  origin: _origin,
  ...fields
}: C): Omit<C, keyof Stamped> => fields
