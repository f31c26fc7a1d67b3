import { assert, describe, it } from "@effect/vitest"
import { accountCustomerId, ownedKey } from "@halles/shared/security/Ownership"
import type { Region } from "@halles/shared/Region"
import { subjectOf } from "../../src/access/AccessSubject.ts"
import { amountMax, isDenial, verdict } from "../../src/access/AccessVerdict.ts"
import { Api } from "../../src/Api.ts"
import { OperatorApi, unmasking } from "../../src/operator/OperatorApi.ts"
import type { Rule } from "@halles/shared/wire/AccessRule"
import { endpointsOf, ruleOf } from "../../src/access/Policy.ts"
import { committedPage, page } from "../../src/access/PolicyPage.ts"
import { Role, Scope } from "@halles/shared/security/Authority"
import { anonymous, type Principal } from "@halles/shared/wire/Principal"
import { expected, expectedOfOperators, type Row } from "./PolicyTable.ts"

const me = accountCustomerId("eu", "m".repeat(22))
const other = accountCustomerId("eu", "o".repeat(22))
const random = "r".repeat(22)

const ids = {
  guest: { cart: `eu_${random}`, customer: `eu_${random}` },
  mine: { cart: `eu_${ownedKey(random, me)}`, customer: me },
  others: { cart: `eu_${ownedKey(random, other)}`, customer: other }
} as const
type Whose = keyof typeof ids

const person = (roles: ReadonlyArray<Role>, rest: Partial<Principal> = {}): Principal => ({
  kind: "staff",
  subject: "account-1",
  clientId: "halles-shop",
  roles: new Set(roles),
  scopes: new Set(Scope.literals),
  strong: true,
  customerId: me,
  ...rest
})

const rulesOf = (api: { readonly groups: object }): Readonly<Record<string, Rule | undefined>> =>
  Object.fromEntries(endpointsOf(api).map((endpoint) => [endpoint.identifier, ruleOf(endpoint)]))

/** Both processes: the same questions, and one table each. */
const processes = {
  edge: { api: Api, rules: rulesOf(Api), table: expected },
  operators: { api: OperatorApi, rules: rulesOf(OperatorApi), table: expectedOfOperators }
} as const
type Process = keyof typeof processes
const rows = (Object.keys(processes) as ReadonlyArray<Process>).flatMap((of) =>
  Object.entries(processes[of].table).map(([name, row]) => ({ of, name, row, rule: processes[of].rules[name] }))
)

const decided = (rule: Rule | undefined, principal: Principal, whose: Whose, region: Region = "eu"): string => {
  if (rule === undefined) return "refused: policy"
  const thing = rule.thing
  const id = thing !== undefined && "customer" in thing ? ids[whose].customer : ids[whose].cart
  const request = { url: `/x?region=${region}` } as Parameters<typeof subjectOf>[3]
  const answer = verdict(rule, principal, subjectOf(rule, principal, { id, region }, request))
  return isDenial(answer) ? `refused: ${answer.reason}` : answer
}

/** What the table says of one request, in its own words. */
const promised = (row: Row, role: Role | null, whose: Whose): boolean | "ifConsented" => {
  if (row.anybody === true) return true
  if (row.holder === true && whose === "guest") return true
  if (role === null) return false
  if (row.all?.includes(role) === true) return true
  if (row.own?.includes(role) === true && whose === "mine") return true
  return row.consented?.includes(role) === true ? "ifConsented" : false
}

describe("the policy", () => {
  it("knows each endpoint of both contracts and no other, and so do the tables it is compared with", () => {
    for (const { api, rules, table } of Object.values(processes)) {
      const endpoints = endpointsOf(api)
        .map(({ identifier }) => identifier)
        .toSorted()
      for (const [name, rule] of Object.entries(rules)) assert.isDefined(rule, name)
      assert.deepStrictEqual(Object.keys(table).toSorted(), endpoints)
    }
  })

  it("is shown on one page, as it is: npm run openapi -- write", () => {
    assert.strictEqual(committedPage(), page)
    for (const { api } of Object.values(processes)) {
      for (const { identifier, method, path } of endpointsOf(api)) {
        assert.include(page, `| \`${method} ${path}\` ${identifier} |`)
      }
    }
    assert.notInclude(page, "| refused |")
  })

  it("decides every route for every role, with own, others' and guests' things, as the table says", () => {
    let decisions = 0
    for (const { name, row, rule } of rows) {
      for (const whose of ["guest", "mine", "others"] as const) {
        const whom: ReadonlyArray<Role | null> = [null, ...Role.literals]
        for (const role of whom) {
          const answer = decided(rule, role === null ? anonymous : person([role]), whose)
          const should = promised(row, role, whose)
          const is = answer === "allow" ? true : answer === "ifConsented" ? answer : false
          assert.strictEqual(is, should, `${name} by ${role ?? "anonymous"} on ${whose}: ${answer}`)
          if (role === null && should === false) assert.strictEqual(answer, "refused: signIn", name)
          decisions += 1
        }
        // A role that is nobody's, and nothing at all.
        if (promised(row, null, whose) === false) {
          assert.strictEqual(decided(rule, person([]), whose), "refused: role", `${name} by nobody on ${whose}`)
        }
      }
    }
    assert.strictEqual(decisions, rows.length * 3 * (Role.literals.length + 1))
  })

  it("needs every scope that the table names, and none besides", () => {
    for (const { name, row, rule } of rows) {
      const role = row.all?.[0] ?? row.own?.[0]
      if (role === undefined) continue
      const whose = row.holder === true || row.own !== undefined ? "mine" : "guest"
      const needed = new Set(row.scopes)
      assert.isNotEmpty(row.scopes ?? [], name)
      assert.strictEqual(decided(rule, person([role], { scopes: needed }), whose), "allow", name)
      for (const missing of needed) {
        const scopes = new Set(Scope.literals.filter((scope) => scope !== missing))
        assert.strictEqual(decided(rule, person([role], { scopes }), whose), "refused: scope", `${name} ${missing}`)
      }
    }
  })

  it("keeps staff of one region to it, and off what may be about any region", () => {
    for (const { name, row, rule } of rows) {
      for (const role of row.all ?? []) {
        const inRegion = person([role], { region: "eu", customerId: other })
        const elsewhere = person([role], { region: "am", customerId: other })
        const answers = [decided(rule, inRegion, "mine"), decided(rule, elsewhere, "mine")]
        const should =
          row.anyRegion === true
            ? ["refused: region", "refused: region"]
            : row.nobodys === true
              ? ["allow", "allow"]
              : ["allow", "refused: region"]
        if (row.regionInBody === true) continue
        if (row.holder !== true || row.own === undefined || !row.own.includes(role)) {
          assert.deepStrictEqual(answers, should, `${name} by ${role}`)
        }
      }
    }
  })

  it("asks staff for two factors where the table says so, our own tools and a partner's program never", () => {
    for (const { name, row, rule } of rows) {
      for (const role of row.all ?? []) {
        const { strong: _, ...weak } = person([role])
        const answer = decided(rule, weak, "others")
        assert.strictEqual(answer, row.strong === true ? "refused: strong" : "allow", `${name} by ${role}`)
        assert.strictEqual(decided(rule, { ...weak, kind: "service" }, "others"), "allow", name)
        // Not for what is one's own: there an employee is a customer.
        if (row.own !== undefined) {
          assert.strictEqual(decided(rule, { ...weak, roles: new Set([role, "customer"]) }, "mine"), "allow", name)
        }
      }
      if (row.strong !== true || row.all?.includes("partner") !== true) continue
      const { strong: _, ...weak } = person(["partner"])
      assert.strictEqual(decided(rule, { ...weak, kind: "partner" }, "others"), "allow", name)
    }
  })

  it("changes nothing and shows nobody's data for a password alone, whatever the method of the route", () => {
    for (const { of, name, row } of rows) {
      const { method } = endpointsOf(processes[of].api).find(({ identifier }) => identifier === name)!
      if (row.all === undefined) continue
      // What looks though it is a POST, and what shows whom it is about though it is a GET.
      if (name === "whatIf" || name === "getCustomer") continue
      assert.strictEqual(row.strong === true, method !== "GET", name)
    }
    const { strong: _, ...weak } = person(["ops-write"])
    assert.strictEqual(decided(unmasking, weak, "others"), "refused: strong")
    assert.strictEqual(decided(unmasking, person(["ops-write"]), "others"), "allow")
    assert.strictEqual(decided(unmasking, person(["ops-read"]), "others"), "refused: role")
  })

  it("asks why where the table says so", () => {
    for (const { name, row, rule } of rows) {
      assert.strictEqual(rule?.asks?.includes("reason") === true, row.reason === true, name)
    }
  })

  it("gives a token's bearer whatever is open to everybody", () => {
    const outcasts = [person([], { scopes: new Set() }), { ...anonymous, rejected: "expired" } as const]
    for (const { name, row, rule } of rows) {
      for (const principal of outcasts) {
        if (row.anybody === true || row.holder === true) {
          assert.strictEqual(decided(rule, principal, "guest"), "allow", name)
        }
      }
    }
  })

  it("refuses what nobody wrote a rule for, and asks for two factors where a rule does not say what staff does", () => {
    assert.strictEqual(decided(undefined, person(["admin"]), "guest"), "refused: policy")
    const { strong: _, ...weak } = person(["admin"])
    assert.strictEqual(decided({ scopes: [], roles: { admin: "any" } }, weak, "others"), "refused: strong")
  })

  it("limits amounts by the widest role, and gives no limit to a role without one", () => {
    const rule: Rule = {
      scopes: [],
      roles: { support: "any", merchandiser: "any", admin: "any" },
      amountMax: { support: 100n, merchandiser: 500n }
    }
    assert.strictEqual(amountMax(rule, person(["support"])), 100n)
    assert.strictEqual(amountMax(rule, person(["support", "merchandiser"])), 500n)
    assert.strictEqual(amountMax(rule, person(["support", "admin"])), null)
    assert.strictEqual(amountMax(rule, person(["warehouse"])), 0n)
    assert.strictEqual(amountMax(rule, anonymous), 0n)
  })

  it("takes an id that is none for nobody's", () => {
    for (const id of ["", "eu", "xx_1", `${ids.mine.cart}x`]) {
      const subject = subjectOf(processes.edge.rules["getCart"]!, person(["customer"]), { id }, { url: "/" } as never)
      assert.strictEqual(subject.owner, "holder")
    }
  })
})
