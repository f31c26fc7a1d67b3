import type { ComponentChildren } from "preact"

export interface Column<Row> {
  readonly label: string
  readonly show: (row: Row) => ComponentChildren
  /** Figures stand flush right, in digits of one width. */
  readonly num?: boolean
  readonly wide?: boolean
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: ReadonlyArray<Column<Row>>
  readonly rows: ReadonlyArray<Row>
  readonly id: (row: Row) => string
  readonly marked?: (row: Row) => boolean
  /** A phone shows each row as a card of its own, but for tables that are narrow enough. */
  readonly narrow?: boolean
}

/** It scrolls by itself where it is wider than the screen, by keyboard too. */
export const Table = <Row,>({ columns, id, label, marked, narrow = false, rows }: TableProps<Row>) => (
  <div class="scroll" role="region" aria-label={label} tabIndex={0}>
    {/* Roles are said outright: a table that is laid out as cards would lose its own. */}
    <table role="table" class={narrow ? "narrow" : "cards"}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) =>
            column.label === "" ? (
              <td key="" role="cell" class="corner" />
            ) : (
              <th key={column.label} role="columnheader" scope="col" class={column.num === true ? "num" : ""}>
                {column.label}
              </th>
            )
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={id(row)} role="row" class={marked?.(row) === true ? "new" : ""}>
            {columns.map((column) => (
              <td
                key={column.label}
                role="cell"
                data-label={column.label}
                class={column.num === true ? "num" : column.wide === true ? "wide" : "one"}
              >
                {column.show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
