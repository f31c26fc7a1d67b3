import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"

/** A runner as it is, but for carts, which never come back from removing a line of `SPIN`. */
const decided = "export const decide = (state: State, command: Command, now: number): Decided => {\n"
const spinning = `${decided}  if (command._tag === "RemoveLine" && command.sku === "SPIN") for (;;) spun += 1\n`

const file = new URL("../../entities/src/cart/CartState.ts", import.meta.url)
const parts = readFileSync(fileURLToPath(file), "utf8").split(decided)
if (parts.length !== 2) throw new Error("decide of a cart does not begin as it did: this test has to follow")
const source = `${parts.join(spinning)}\nlet spun = 0\n`

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    return url.endsWith("/entities/src/cart/CartState.ts") ? { ...loaded, source } : loaded
  }
})
await import("../src/main.ts")
