import { CartId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { CartApi } from "./CartApi.ts"
import { Cart } from "./Cart.ts"
import * as CartState from "./CartState.ts"
import { CartLive } from "./CartLive.ts"
import { carts } from "./CartLaws.ts"

export const cart = Domain.make({
  contract: Cart,
  id: CartId,
  model: CartState,
  live: CartLive,
  table: null,
  routes: CartApi,
  laws: carts,
  retention: {
    archiveAfterDays: 30,
    dropAfterDays: 90,
    reason:
      "an open cart has a timer, so an idle one is closed; one with orders is legal history and goes with the last of them"
  },
  notifies: {},
  anytime: []
})
