import { assert, describe, it } from "@effect/vitest"
import { Role, Scope } from "@halles/shared/Authority"
import { OperatorApi } from "../src/OperatorApi.ts"
import { refusal } from "../src/OperatorAccessLive.ts"
import { operatorPolicy, unmasking } from "../src/OperatorPolicy.ts"
import { anonymous, type Principal } from "../src/Principal.ts"

const endpoints = Object.values(OperatorApi.groups).flatMap((group) =>
  Object.values(group.endpoints as Record<string, { readonly identifier: string; readonly method: string }>)
)

const person = (
  roles: ReadonlyArray<Role>,
  scopes: ReadonlyArray<Scope>,
  rest: Partial<Principal> = {}
): Principal => ({
  kind: "staff",
  subject: "account-1",
  clientId: "halles-ops",
  roles: new Set(roles),
  scopes: new Set(scopes),
  ...rest
})

/** What a person wrote down without looking at the policy: readers look, writers change, and writers alone see the audit log. */
const readers: ReadonlyArray<Role> = ["ops-read", "ops-write", "admin"]
const writers: ReadonlyArray<Role> = ["ops-write", "admin"]
const reading = new Set(["whatIf"])
const promised = (name: string, method: string, role: Role): boolean => {
  if (name === "audit") return readers.includes(role)
  return (method === "GET" || reading.has(name) ? readers : writers).includes(role)
}

describe("the operators' policy", () => {
  it("knows each endpoint of the contract and no other", () => {
    assert.deepStrictEqual(Object.keys(operatorPolicy).toSorted(), endpoints.map((one) => one.identifier).toSorted())
  })

  it("lets in each role where the table says so, with all scopes, and nobody without a role or a scope", () => {
    for (const { identifier, method } of endpoints) {
      const rule = operatorPolicy[identifier]
      assert.strictEqual(refusal(rule, anonymous, "eu")?._tag, "Unauthorized", identifier)
      assert.strictEqual(refusal(rule, person([], Scope.literals), "eu")?._tag, "Forbidden", identifier)
      for (const role of Role.literals) {
        const isIn = refusal(rule, person([role], Scope.literals), "eu") === null
        assert.strictEqual(isIn, promised(identifier, method, role), `${identifier} ${role}`)
        assert.isNotNull(refusal(rule, person([role], []), "eu"), `${identifier} ${role} without scopes`)
        const other = Scope.literals.filter((scope) => !scope.startsWith("ops:") && scope !== "audit:read")
        assert.isNotNull(refusal(rule, person([role], other), "eu"), `${identifier} ${role} with others' scopes`)
      }
    }
  })

  it("changes nothing with a scope to read, and shows the audit log to readers by its own scope only", () => {
    for (const { identifier, method } of endpoints) {
      if (method === "GET" || reading.has(identifier)) continue
      assert.isNotNull(refusal(operatorPolicy[identifier], person(["admin"], ["ops:read"]), "eu"), identifier)
    }
    assert.isNotNull(refusal(operatorPolicy["audit"], person(["ops-read"], ["ops:read"]), "eu"))
    assert.isNull(refusal(operatorPolicy["audit"], person(["ops-read"], ["audit:read"]), "eu"))
    assert.isNotNull(refusal(unmasking, person(["ops-read"], Scope.literals), "eu"))
  })

  it("holds an operator of one region to it, wherever a customer's data or a change is concerned", () => {
    const european = person(["ops-write"], Scope.literals, { region: "eu" })
    for (const { identifier } of endpoints) {
      const rule = operatorPolicy[identifier]
      const figures = rule?.region === "none"
      assert.strictEqual(refusal(rule, european, "ap") === null, figures, identifier)
      assert.strictEqual(refusal(rule, european, undefined) === null, figures, identifier)
      assert.isNull(refusal(rule, european, "eu"), identifier)
    }
  })

  it("refuses what nobody wrote a rule for", () => {
    assert.strictEqual(refusal(undefined, person(["admin"], Scope.literals), "eu")?._tag, "Forbidden")
  })
})
