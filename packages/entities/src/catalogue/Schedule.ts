import { Price } from "@halles/shared/wire/MoneyJson"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { given } from "@halles/shared/wire/Stamp"
import { DateTime, Effect, Option, Schema, SchemaTransformation } from "effect"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { ScheduledChange, TaxRate } from "./Product.ts"

/** The digits read as a time in UTC; `null` where the calendar has no such time. */
const digits = (local: string): Date | null => {
  const time = new Date(`${local}Z`)
  return Number.isNaN(time.getTime()) || !time.toISOString().startsWith(local) ? null : time
}

/** Days of the calendar but that 29 February is one of every year: where there is none it is 1 March. */
const day = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
const clock = "([01][0-9]|2[0-3]):[0-5][0-9]"
/** `2026-12-07T06:00:00Z`, or with another offset: Unix milliseconds. */
export const Instant = Schema.String.check(
  Schema.isPattern(new RegExp(`^[0-9]{4}-${day}T${clock}(:[0-5][0-9](\\.[0-9]{1,3})?)?(Z|[+-]${clock})$`, "u"), {
    expected: "a time with an offset such as 2026-12-07T06:00:00Z"
  })
)
  .pipe(
    Schema.decodeTo(
      Schema.Int,
      SchemaTransformation.transform({ decode: Date.parse, encode: (time) => new Date(time).toISOString() })
    )
  )
  .annotate({ examples: [1_796_619_600_000] })

/** A local time in a time zone, or a time with an offset. */
export const LocalTime = {
  /** `2026-12-07T06:00` in `timeZone`, or with an offset of its own: `2026-12-07T05:00Z`. */
  at: Schema.String.check(
    Schema.isPattern(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?$/u, {
      expected: "a minute such as 2026-12-07T06:00, or with an offset 2026-12-07T05:00Z"
    })
  ).annotate({ examples: ["2026-12-07T06:00"] }),
  /** The time zone of `at`. A time that the clock shows twice is the first of the two; one that it skips is as much later as it skips: 02:30 is 03:30. */
  timeZone: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_+/-]{1,64}$/u)).annotate({ examples: ["Europe/Paris"] })
  )
}
const Time = Schema.Struct(LocalTime)

/** The body of `scheduleChange`. */
export const ChangeGiven = Schema.Struct({
  ...LocalTime,
  price: Schema.optionalKey(Price),
  taxRate: Schema.optionalKey(TaxRate),
  listed: ScheduledChange.fields.listed,
  reason: ScheduledChange.fields.reason
})
type ChangeGiven = typeof ChangeGiven.Type

/** Unix milliseconds, or a fault of the field that makes it no time. */
export const timeOf = ({
  at,
  timeZone
}: typeof Time.Type): number | { readonly pointer: string; readonly detail: string } => {
  const local = digits(at.slice(0, 16))
  if (local === null) return { pointer: "/at", detail: "There is no such day or hour" }
  const offset = at.slice(16)
  if (offset !== "") {
    const time = Date.parse(at)
    return Number.isNaN(time) ? { pointer: "/at", detail: "There is no such offset" } : time
  }
  if (timeZone === undefined) return { pointer: "/timeZone", detail: "Required where the time has no offset" }
  const zoned = DateTime.makeZoned(local, { timeZone, adjustForTimeZone: true })
  return Option.match(zoned, {
    onNone: () => ({ pointer: "/timeZone", detail: "There is no such time zone" }),
    onSome: DateTime.toEpochMillis
  })
}

/** A price comes with a tax rate. */
export const priceFaults = (
  { price, taxRate }: Pick<ChangeGiven, "price" | "taxRate">,
  at: string
): ReadonlyArray<Fault> => [
  ...(price !== undefined && taxRate === undefined
    ? [{ pointer: `${at}/taxRate`, detail: "Required with a price" }]
    : []),
  ...(price === undefined && taxRate !== undefined
    ? [{ pointer: `${at}/price`, detail: "Required with a tax rate" }]
    : [])
]

/** The edge checks the time and the price of a change before it sends `ScheduleChange`. */
export const timed = Effect.succeed(({ payload }: { readonly payload: ChangeGiven }) => {
  const time = timeOf(payload)
  const errors = [...(typeof time === "number" ? [] : [time]), ...priceFaults(payload, "")]
  return errors.length === 0 ? Effect.void : Effect.fail(new ContentRefused({ errors }))
})

export const changeOf = (changeId: string, payload: ChangeGiven): ScheduledChange => {
  const { listed, price, reason, taxRate = 0 } = payload
  return {
    changeId,
    // A number, since `timed` has refused everything else.
    dueAt: Number(timeOf(payload)),
    ...given("listed", listed),
    ...given("reason", reason),
    ...given("price", price && { ...price, taxRate })
  }
}
