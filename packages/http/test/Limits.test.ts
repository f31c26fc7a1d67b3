import { assert, it } from "@effect/vitest"
import { committedLimits, limitsPage } from "../src/limits/LimitsPage.ts"

it("the page of limits is committed as the constants have it: npm run openapi -- write", () => {
  assert.strictEqual(committedLimits(), limitsPage)
})
