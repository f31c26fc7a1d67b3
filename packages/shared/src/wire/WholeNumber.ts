import { Schema, SchemaTransformation } from "effect"

/**
 * A whole number in a query or a header: decimal digits, zero or more. Its bounds stand on the encoded text too, where the
 * document finds them and shows an integer.
 */
export const WholeNumber = ({
  blank = false,
  maximum = 999_999_999,
  minimum
}: {
  readonly maximum?: number
  readonly minimum: number
  /** An empty text is 0: what browsers send that have nothing to say. */
  readonly blank?: boolean
}) =>
  Schema.String.check(
    Schema.isPattern(blank ? /^(0|[1-9][0-9]{0,8})?$/u : /^(0|[1-9][0-9]{0,8})$/u, {
      expected: "a whole number of at most nine digits",
      toJsonSchema: () => ({ minimum, maximum })
    })
  ).pipe(
    Schema.decodeTo(
      Schema.Int.check(Schema.isBetween({ minimum, maximum })),
      SchemaTransformation.transform({ decode: Number, encode: String })
    )
  )
