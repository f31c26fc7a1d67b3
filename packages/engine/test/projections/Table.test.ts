import { assert, it } from "@effect/vitest"
import * as Table from "@halles/engine/projections/Table"
import { selected } from "@halles/engine/projections/Projection"
import { Schema } from "effect"

const model = {
  type: "Note",
  Event: Schema.Union([
    Schema.TaggedStruct("Written", { text: Schema.String }),
    Schema.TaggedStruct("Erased", { by: Schema.String })
  ])
}
const notes = Table.make(model, {
  name: "note",
  version: 1,
  columns: {
    body: Schema.NullOr(Schema.String.check(Schema.isMaxLength(10))),
    state: Schema.Literals(["open", "erased"]),
    edits: Schema.Int,
    pinned: Schema.Boolean,
    tags: Schema.Array(Schema.String),
    changed_at: Table.Time,
    erased_at: Schema.NullOr(Table.Time)
  },
  indexes: { changed: "(changed_at)" },
  search: ["body", "state"],
  fold: (row, event, at) => {
    switch (event._tag) {
      case "Written": {
        const edits = (row?.edits ?? 0) + 1
        return { body: event.text, state: "open", edits, pinned: false, tags: [], changed_at: at, erased_at: null }
      }
      case "Erased":
        return row && { ...row, body: null, state: "erased", erased_at: at }
    }
  }
})
const written = { _tag: "Written", text: "one" }

it("the SQL of a table follows from the schemas of its columns", () => {
  const type = (column: string) => [notes.columns[column]!.type, notes.columns[column]!.isNullable]
  assert.deepStrictEqual(Object.keys(notes.columns).map(type), [
    ["text", true],
    ["text", false],
    ["bigint", false],
    ["boolean", false],
    ["jsonb", false],
    ["timestamptz", false],
    ["timestamptz", true]
  ])
  assert.deepStrictEqual(notes.indexes, { note_view_changed: "(changed_at)", note_view_search: "USING gin (search)" })
  assert.include(notes.derived["search"], "to_tsvector('simple', body || ' ' || state)")
  assert.strictEqual(selected(notes, ["edits", "pinned"]), "id, seq, edits::float8 AS edits, pinned")
  const wrong = { name: "wrong", version: 1, columns: { either: Schema.Union([Schema.String, Schema.Int]) } }
  assert.throws(() => Table.make(model, { ...wrong, fold: () => null }), /No column holds/)
})

it("a row is what its events come to, and none begins with an event that needs one", () => {
  const first = notes.fold(null, { at: 5, events: [written, written] })
  assert.deepInclude(first, { body: "one", edits: 2, changed_at: 5 })
  const last = notes.fold(first, { at: 9, events: [{ _tag: "Erased", by: "me" }] })
  assert.deepInclude(last, { body: null, state: "erased", edits: 2, changed_at: 5, erased_at: 9 })
  for (const _tag of ["Erased", "Unheard"]) {
    assert.throws(() => notes.fold(null, { at: 1, events: [{ _tag }] }), `does not go on with ${_tag}`)
  }
  assert.throws(() => notes.fold(null, { at: 1, events: [] }), "does not begin without an event")
})
