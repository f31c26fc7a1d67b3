import type * as ProductState from "./ProductState.ts"
import type { Reader } from "../laws/Rows.ts"

/** Products promise nothing of their own: their rows are read for what holds for every entity. */
export const products: Reader<ProductState.Event> = {
  begin: () => undefined,
  row: () => undefined,
  end: () => undefined
}
