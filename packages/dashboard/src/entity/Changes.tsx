import type * as Json from "@halles/http/operator/OperatorJson"
import { Empty } from "../parts/Notes.tsx"
import { type Column, Table } from "../parts/Table.tsx"

type Change = typeof Json.Change.Type

const columns: ReadonlyArray<Column<Change>> = [
  { label: "Member", wide: true, show: ({ path }) => <code>{path}</code> },
  { label: "Before", wide: true, show: ({ before }) => <code>{JSON.stringify(before)}</code> },
  { label: "After", wide: true, show: ({ after }) => <code>{JSON.stringify(after)}</code> }
]

/** What differs between two states, member by member. */
export const Changes = ({ items, label }: { readonly items: ReadonlyArray<Change>; readonly label: string }) =>
  items.length === 0 ? (
    <Empty title="Its state is the same." />
  ) : (
    <Table label={label} columns={columns} rows={items} id={({ entity, path }) => `${entity}/${path}`} />
  )
