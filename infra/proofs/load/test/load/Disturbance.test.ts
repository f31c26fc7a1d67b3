import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "../../src/run/Disturbance.ts"

describe("Disturbance", () => {
  it("says what is done to whom and when", () => {
    assert.deepStrictEqual(Result.getOrThrow(parse("kill", "eu-1@5,edge@7.5")), [
      { _tag: "Kill", process: "eu-1", atSeconds: 5 },
      { _tag: "Kill", process: "edge", atSeconds: 7.5 }
    ])
    assert.deepStrictEqual(Result.getOrThrow(parse("freeze", "eu-2@5+9")), [
      { _tag: "Freeze", process: "eu-2", atSeconds: 5, forSeconds: 9 }
    ])
    assert.deepStrictEqual(Result.getOrThrow(parse("join", "@3")), [{ _tag: "Join", region: "eu", atSeconds: 3 }])
    assert.deepStrictEqual(Result.getOrThrow(parse("join", "am@3")), [{ _tag: "Join", region: "am", atSeconds: 3 }])
  })

  it("what says less is refused", () => {
    for (const text of ["", "eu-1", "@5", "eu-1@", "eu-1@x", "eu-1@5+2"]) {
      assert.isTrue(Result.isFailure(parse("kill", text)), text)
    }
    assert.isTrue(Result.isFailure(parse("join", "mars@5")))
  })
})
