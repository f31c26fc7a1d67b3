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
}

/** It scrolls by itself where it is wider than the screen, by keyboard too. */
export const Table = <Row,>({ columns, id, label, marked, rows }: TableProps<Row>) => (
  <div class="scroll" role="region" aria-label={label} tabIndex={0}>
    <table>
      <thead>
        <tr>
          {columns.map((column) =>
            column.label === "" ? (
              <td key="" class="corner" />
            ) : (
              <th key={column.label} scope="col" class={column.num === true ? "num" : ""}>
                {column.label}
              </th>
            )
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={id(row)} class={marked?.(row) === true ? "new" : ""}>
            {columns.map((column) => (
              <td key={column.label} class={column.num === true ? "num" : column.wide === true ? "wide" : "one"}>
                {column.show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
