import { Effect, Schema } from "effect"

/** Items of one page. */
export const limitMax = 200
/** Whoever asks for more, or for less than one, gets a page all the same. */
export const bounded = (limit: number): number => Math.min(Math.max(1, Math.trunc(limit)), limitMax)

/** The `next` of another list, or made up. */
export class BadCursor extends Schema.TaggedError<BadCursor>()("BadCursor", {}, { httpApiStatus: 400 }) {}

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  /** Opaque: hand it back as `cursor` for what follows; `null` at the end. */
  readonly next: string | null
}

/** What a cursor points behind: the sort key of the last item, tagged with its list, so that what is inserted meanwhile moves nothing. */
export const Cursor = <const Fields extends ReadonlyArray<Schema.Codec<unknown, unknown>>>(
  list: string,
  fields: Fields
) => Schema.fromJsonString(Schema.Tuple([Schema.Literal(list), ...fields]))

export const decodeCursor = <A>(schema: Schema.Codec<A, string>, cursor: string | undefined) =>
  cursor === undefined
    ? Effect.succeed(null)
    : Effect.mapError(
        Effect.suspend(() => Schema.decodeUnknownEffect(schema)(Buffer.from(cursor, "base64url").toString("utf8"))),
        () => new BadCursor()
      )
export const encodeCursor = (key: ReadonlyArray<unknown>): string =>
  Buffer.from(JSON.stringify(key)).toString("base64url")

/** One row more than asked for was read, to know whether there is a next page. */
export const pageOf = <Row, A>(
  rows: ReadonlyArray<Row>,
  limit: number,
  item: (row: Row) => A,
  key: (row: Row) => ReadonlyArray<unknown>
): Page<A> => {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { items: page.map(item), next: rows.length > limit && last !== undefined ? encodeCursor(key(last)) : null }
}
