import type { SqlClient, Statement } from "effect/sql"

/**
 * Of the rows of `page`, which have `bytes`, those that come to so many bytes together, in `order`; one at the least. To be
 * selected from: rows are as large as their writers make them, and whoever reads many must not hold them all.
 */
export const withinBytes = (
  sql: SqlClient.SqlClient,
  page: Statement.Fragment,
  order: string,
  bytesMax: number
): Statement.Fragment => sql`(
  SELECT * FROM (
    SELECT p.*, coalesce(sum(p.bytes) OVER (
      ORDER BY ${sql.literal(order)} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
    FROM (${page}) p) q
  WHERE bytes_before < ${bytesMax} ORDER BY ${sql.literal(order)}) within_bytes`
