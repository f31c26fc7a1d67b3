import { Customer, Register } from "@halles/entities/customer/Customer"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import { CommandId } from "@halles/shared/Ids"
import * as EdgeClient from "@halles/harness/EdgeClient"
import { accountCustomerId } from "@halles/shared/security/Ownership"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import { client, connectionsMax } from "../Client.ts"
import { claims, type Sign, signedIn } from "../Issuer.ts"

const customersMax = 6
const guestsMax = 3
const productsMax = 8

/** A word of letters alone, which no mask and no rule about names touches. */
const word = (kind: "mark" | "item"): string =>
  kind + [...randomBytes(8).toString("hex")].map((digit) => "abcdefghijklmnop"[Number.parseInt(digit, 16)]).join("")
/** What is personal: shown to nobody but its owner and whom the policy lets. */
export const personal = /mark[a-p]{16}/g

/** One way to say who one is. */
export interface Sender {
  readonly name: string
  readonly headers: () => Readonly<Record<string, string>>
  /** Whose profile and cart are its own. */
  readonly customer?: number
}

/** A thing that is asked about: where it is, and what a good answer about it shows. */
export interface Subject {
  readonly name: string
  readonly path: string
  readonly shows: ReadonlyArray<string>
  readonly at: "edge" | "ops"
  /** Of which customer it is. */
  readonly customer?: number
}

export interface Scene {
  readonly senders: ReadonlyArray<Sender>
  readonly subjects: ReadonlyArray<Subject>
  readonly products: ReadonlyArray<string>
  /** Of each customer: its cart. */
  readonly carts: ReadonlyArray<string>
}

interface Tokens {
  readonly importToken: string
  readonly adminToken: string
}
const bearer = (name: string, token: () => string, customer?: number): Sender => ({
  name,
  headers: () => ({ authorization: `Bearer ${token()}` }),
  ...(customer === undefined ? {} : { customer })
})
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` })
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const count = (many: number) => Array.from({ length: many }, (_, at) => at)

/** People with accounts, guests, partners and staff, each with things that are recognised wherever they turn up. */
export const prepare = Effect.fnUntraced(function* (url: string, keys: Tokens, sign: Sign<never, never>) {
  const customer = yield* EntityClient.make(Customer)
  const ask = client(yield* EdgeClient.open(url, connectionsMax))
  const call = (method: EdgeClient.Request["method"], path: string, body: object, token?: string) =>
    Effect.promise(() => ask(method, path, body, { token, headers: { "if-match": "*" } }))

  const people = count(customersMax).map((at) => ({
    at,
    name: `customer-${at}`,
    mark: word("mark"),
    id: accountCustomerId("eu", randomBytes(16).toString("base64url"))
  }))
  const staff = [
    ["support", "support"],
    ["operator-1", "ops-read"],
    ["operator-2", "ops-write"]
  ] as const
  const tokenOf = yield* signedIn(sign, [
    ...people.map(({ id, name }) => [name, claims(`account-${name}`, "customer", { customer_id: id })] as const),
    ...staff.map(([name, role]) => [name, claims(`account-${name}`, role)] as const)
  ])
  yield* Effect.forEach(people, ({ id, mark, name }) =>
    customer(id).Register(new Register({ commandId: CommandId.make(`soak:${name}`), name: `Soak ${mark}` }))
  )
  const guests = yield* Effect.forEach(count(guestsMax), () => {
    const mark = word("mark")
    return Effect.map(call("POST", "/v1/customers", { region: "eu", name: `Soak ${mark}` }), ({ id }) => ({ id, mark }))
  })
  const products = yield* Effect.forEach(count(productsMax), (at) => {
    const sku = `SOAK-${at}`
    const title = word("item")
    const body = { title, price: { amount: "500", currency: "GBP" }, taxRate: 2000 }
    return Effect.as(call("PUT", `/v1/products/${sku}?region=eu`, body, keys.importToken), { sku, title })
  })
  const carts = yield* Effect.forEach(people, ({ id, name }) =>
    call("POST", "/v1/carts", { region: "eu", currency: "GBP", customerId: id }, tokenOf(name)())
  )
  const guestCarts = yield* Effect.forEach(count(guestsMax), () =>
    call("POST", "/v1/carts", { region: "eu", currency: "GBP" })
  )
  const partners = yield* Effect.forEach(["soak-a", "soak-b"], (partner) =>
    Effect.map(
      call(
        "POST",
        "/v1/partner-keys",
        { partner, name: `key of ${partner}`, scopes: ["catalog:read"] },
        keys.adminToken
      ),
      ({ secret }) => ({ partner, secret })
    )
  )

  const forged = `${base64({ alg: "none", typ: "at+jwt" })}.${base64(claims("account-customer-0", "customer", { customer_id: people[0]!.id }))}.`
  const senders: ReadonlyArray<Sender> = [
    { name: "nobody", headers: () => ({}) },
    { name: "Basic", headers: () => basic("customer:0") },
    { name: "Basic with a token in it", headers: () => basic(tokenOf("customer-0")()) },
    bearer("forged", () => forged),
    bearer("changed", () => `${tokenOf("customer-0")().slice(0, -4)}AAAA`),
    {
      name: "two credentials",
      headers: () => ({ authorization: `Bearer ${tokenOf("customer-0")()}`, "x-api-key": partners[0]!.secret })
    },
    ...people.map(({ at, name }) => bearer(name, tokenOf(name), at)),
    ...staff.map(([name]) => bearer(name, tokenOf(name))),
    ...partners.map(({ partner, secret }) => ({ name: partner, headers: () => ({ "x-api-key": secret }) })),
    bearer("soak-a as a bearer", () => partners[0]!.secret)
  ]
  const subjects: ReadonlyArray<Subject> = [
    ...people.map(({ at, id, mark, name }) => ({
      name: `the profile of ${name}`,
      path: `/v1/customers/${id}`,
      shows: [id, mark],
      at: "edge" as const,
      customer: at
    })),
    ...people.map(({ at, name }) => ({
      name: `the cart of ${name}`,
      path: `/v1/carts/${carts[at]!.id}`,
      shows: [carts[at]!.id],
      at: "edge" as const,
      customer: at
    })),
    ...guests.map(({ id, mark }, at) => ({
      name: `the profile of guest ${at}`,
      path: `/v1/customers/${id}`,
      shows: [id, mark],
      at: "edge" as const
    })),
    ...guestCarts.map(({ id }, at) => ({
      name: `the cart of guest ${at}`,
      path: `/v1/carts/${id}`,
      shows: [id],
      at: "edge" as const
    })),
    ...products.map(({ sku, title }) => ({
      name: `product ${sku}`,
      path: `/v1/products/${sku}?region=eu`,
      shows: [title],
      at: "edge" as const
    })),
    { name: "products of am", path: "/v1/products?region=am&limit=3", shows: ['"am"'], at: "edge" },
    { name: "products of ap", path: "/v1/products?region=ap&limit=3", shows: ['"ap"'], at: "edge" },
    { name: "keys of partners", path: "/v1/partner-keys", shows: ['"items"'], at: "edge" },
    { name: "nothing", path: "/v1/carts/eu_nothing", shows: [], at: "edge" },
    { name: "no route", path: "/v1/nowhere", shows: [], at: "edge" },
    { name: "the reference", path: "/", shows: ["Halles"], at: "edge" },
    { name: "who one is", path: "/v1/ops/me", shows: [], at: "ops" },
    { name: "runners", path: "/v1/ops/runners", shows: ['"items"'], at: "ops" }
  ]
  return {
    senders,
    subjects,
    products: products.map(({ sku }) => sku),
    carts: carts.map(({ id }) => id)
  } satisfies Scene
})
