import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Api } from "../Api.ts"
import { OperatorApi, unmasking } from "../operator/OperatorApi.ts"
import type { Rule } from "@halles/shared/wire/AccessRule"
import { agreedPrices, endpointsOf, inTheNameOf, ruleOf } from "./Policy.ts"

// Who may do what, for people to read on one page: made from the endpoints of both processes and their rules.

const who = ({ open, roles }: Rule): string => {
  if (open === "everybody") return "everybody"
  if (open === "signer") return "who signs the body"
  const named = Object.entries(roles).map(([role, grant]) => (grant === "any" ? role : `${role} (${grant})`))
  return [...(open === "holder" ? ["who knows a guest's id"] : []), ...named].join(", ")
}
const factors = ({ staff }: Rule): string => (staff === undefined ? "" : staff === "looks" ? "one" : "two")
const inRegion = ({ open, region, staff }: Rule): string =>
  staff === undefined || open === "everybody" ? "" : region === "none" ? "any" : (region ?? "not of one region")
const amounts = ({ amountMax }: Rule): string =>
  Object.entries(amountMax ?? {})
    .map(([role, max]) => `${role}: ${max}`)
    .join(", ")

const columns: ReadonlyArray<readonly [string, (rule: Rule) => string]> = [
  ["who", who],
  ["scopes", ({ scopes }) => scopes.join(" ")],
  ["staff", ({ staff = "" }) => staff],
  ["factors of staff", factors],
  ["region of staff", inRegion],
  ["asked of the body", ({ asks = [] }) => asks.filter((question) => question !== "reason").join(", ")],
  ["reason", ({ asks = [] }) => (asks.includes("reason") ? "needed" : "")],
  ["at the most", amounts],
  [
    "audit log",
    ({ asks = [], audited }) =>
      audited === "byOthers" ? "by others" : (audited ?? (asks.includes("reason") ? "always" : ""))
  ]
]

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`
const table = (first: string, rows: ReadonlyArray<readonly [string, Rule | undefined]>): string =>
  [
    line([first, ...columns.map(([name]) => name)]),
    line([first, ...columns].map(() => "---")),
    ...rows.map(([name, rule]) =>
      line([name, ...columns.map(([, cell]) => (rule === undefined ? "refused" : cell(rule)))])
    )
  ].join("\n")

const ofApi = (api: { readonly groups: object }): string =>
  table(
    "endpoint",
    endpointsOf(api).map(
      (endpoint) => [`\`${endpoint.method} ${endpoint.path}\` ${endpoint.identifier}`, ruleOf(endpoint)] as const
    )
  )

/** Where it is committed, so that a change of a rule shows in its diff. */
export const pagePath = {
  absolute: join(import.meta.dirname, "..", "..", "POLICY.md"),
  inRepository: "packages/http/POLICY.md"
}

export const committedPage = (): string => readFileSync(pagePath.absolute, "utf8")

export const page = `# Who may do what

Every endpoint of the edge and of the operator process, made from the rules that stand beside them by \`npm run openapi -- write\`; a test compares. What has no rule
is refused. All scopes of a row are needed, and one of the roles; \`own\`: what is one's own; \`consented\`: what its owner consented to.
Denied attempts are in the audit log, whatever the row says. Staff that may look does so with a password; to change anything, or to see
whom it is about, a sign-in with two factors is needed: without it the answer is 401 with the \`acr_values\` to ask for (RFC 9470).

Programs have no factors. A partner's program is held to its scopes and to what is the partner's. The two tokens of a deployment are
programs too: the import token is a merchandiser and keeper of stock, the administration token \`admin\`, \`ops-read\` and \`ops-write\`. Whoever reads the
file that they lie in has the databases' passwords too, so that a second factor would keep nobody out; what is done with them stands in the
audit log as \`service:import\` and \`service:admin\`, with the reason wherever one is needed.

## The edge

${ofApi(Api)}

## The operator process

${ofApi(OperatorApi)}

## What a body or a query asks for besides

${table("what", [
  ["a cart in somebody's name, or emptied into another", inTheNameOf],
  ["prices that were agreed on", agreedPrices],
  ["personal data, unmasked", unmasking]
])}
`
