import { Option, Schema } from "effect"
import type { ComponentChildren } from "preact"
import { count, money } from "../Format.ts"
import { Badge, Empty } from "../parts/Notes.tsx"
import { type Column, Table } from "../parts/Table.tsx"
import { entityLink } from "../Router.ts"
import { Cart, Customer, Order, Payment, Product, Shipment, Sku } from "./States.ts"

interface StatePanelProps {
  readonly type: string
  readonly state: unknown
  /** Where there is no state, or it is not yet what the type's panel shows. */
  readonly fallback: ComponentChildren
}

/**
 * The state of an entity, by the panel of its type, or member by member where the type has none. What a panel leaves out is in
 * the full state beside it.
 */
export const StatePanel = ({ fallback, state, type }: StatePanelProps) => {
  const content = (panels[type] ?? members)(state)
  return <>{content ?? fallback}</>
}

const panel =
  <State,>(schema: Schema.Decoder<State>, show: (state: State) => ComponentChildren) =>
  (state: unknown): ComponentChildren =>
    Option.match(Schema.decodeUnknownOption(schema)(state), { onNone: () => null, onSome: show })

const Pair = ({ children, label }: { readonly label: string; readonly children: ComponentChildren }) => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
)

const isMembers = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const memberText = (value: unknown): string => {
  if (Array.isArray(value)) return count(value.length)
  return typeof value === "string" ? value : JSON.stringify(value)
}
/** A line for each member; of a list, how many there are. */
const members = (state: unknown): ComponentChildren =>
  isMembers(state) ? (
    <dl class="pairs">
      {Object.entries(state).map(([name, value]) => (
        <Pair key={name} label={name.replaceAll(/(?=[A-Z])/g, " ").toLowerCase()}>
          {memberText(value)}
        </Pair>
      ))}
    </dl>
  ) : null

type SaleLine = (typeof Cart.Type)["lines"][number]

const Lines = ({ currency, lines }: { readonly lines: ReadonlyArray<SaleLine>; readonly currency: string }) => {
  const columns: ReadonlyArray<Column<SaleLine>> = [
    { label: "SKU", show: ({ sku }) => sku },
    { label: "Quantity", num: true, show: ({ quantity }) => count(quantity) },
    { label: "Each", num: true, show: ({ unitPrice }) => money(unitPrice, currency) },
    { label: "Sum", num: true, show: ({ quantity, unitPrice }) => money(unitPrice * quantity, currency) }
  ]
  if (lines.length === 0) return <Empty title="No lines." />
  return (
    <Table narrow label="Lines" columns={columns} rows={lines} id={({ sku, variant }) => `${sku}/${variant ?? ""}`} />
  )
}

const Status = ({ bad, good, status }: { readonly status: string; readonly good: RegExp; readonly bad: RegExp }) => (
  <Badge tone={good.test(status) ? "good" : bad.test(status) ? "bad" : "calm"}>{status.replaceAll("_", " ")}</Badge>
)

type Level = (typeof Sku.Type)["warehouses"][number]
const levels: ReadonlyArray<Column<Level>> = [
  { label: "Warehouse", show: ({ warehouse }) => warehouse },
  { label: "On hand", num: true, show: ({ onHand }) => count(onHand) },
  { label: "Held", num: true, show: ({ held }) => count(held) },
  { label: "Reserved", num: true, show: ({ reserved }) => count(reserved) },
  { label: "Available", num: true, show: ({ available }) => count(available) }
]

const panels: Readonly<Record<string, (state: unknown) => ComponentChildren>> = {
  Cart: panel(Cart, ({ currency, lines, orderId, status, totals }) => (
    <div class="stack">
      <dl class="pairs">
        <Pair label="Status">
          <Status status={status} good={/open/} bad={/expired/} />
        </Pair>
        <Pair label="Total">{money(totals.total, currency)}</Pair>
        {orderId === null ? null : (
          <Pair label="Order">
            <a href={entityLink(`Order/${orderId}`)}>{orderId}</a>
          </Pair>
        )}
      </dl>
      <Lines lines={lines} currency={currency} />
    </div>
  )),
  Order: panel(Order, ({ cancelled, currency, lines, payment, status, steps, totals, trackingNumbers }) => (
    <div class="stack">
      <dl class="pairs">
        <Pair label="Status">
          <Status status={status} good={/confirmed|shipped|delivered/} bad={/cancelled/} />
        </Pair>
        {cancelled === null ? null : (
          <Pair label="Cancelled">{`${cancelled.code}${cancelled.detail === null ? "" : `: ${cancelled.detail}`}`}</Pair>
        )}
        <Pair label="Total">{money(totals.total, currency)}</Pair>
        <Pair label="Paid">
          {`${money(payment.captured, currency)} captured of ${money(payment.authorised, currency)} authorised, ${money(payment.refunded, currency)} refunded, ${money(payment.disputed, currency)} disputed`}
        </Pair>
        <Pair label="Parcels">{trackingNumbers.length === 0 ? "none yet" : trackingNumbers.join(", ")}</Pair>
        <Pair label="Steps">
          <span class="steps">{steps.map(({ step }) => step.replaceAll("_", " ")).join(" → ")}</span>
        </Pair>
      </dl>
      <Lines lines={lines} currency={currency} />
    </div>
  )),
  Sku: panel(Sku, ({ backOrderAllowed, totals, warehouses }) => (
    <div class="stack">
      <Table
        label="Stock by warehouse"
        columns={levels}
        rows={[...warehouses, { warehouse: "Together", ...totals }]}
        id={({ warehouse }) => warehouse}
      />
      <p class="soft">
        {`Back orders are ${backOrderAllowed ? "taken" : "not taken"}; ${count(totals.backOrdered)} units wait for stock, ${count(totals.shipped)} were shipped.`}
      </p>
    </div>
  )),
  Payment: panel(Payment, ({ authorised, captured, currency, disputed, ledger, refunded, status }) => (
    <div class="stack">
      <dl class="pairs">
        <Pair label="Status">
          <Status status={status} good={/authorised|captured/} bad={/declined/} />
        </Pair>
        <Pair label="Authorised">{money(authorised, currency)}</Pair>
        <Pair label="Captured">{money(captured, currency)}</Pair>
        <Pair label="Refunded">{money(refunded, currency)}</Pair>
        <Pair label="Disputed">{money(disputed, currency)}</Pair>
      </dl>
      <p class="soft">{`${ledger.length} entries in the ledger; they are in the state.`}</p>
    </div>
  )),
  Shipment: panel(Shipment, ({ parcels, status, trackingNumbers }) => (
    <dl class="pairs">
      <Pair label="Status">
        <Status status={status} good={/booked|dispatched|delivered/} bad={/refused|cancelled/} />
      </Pair>
      <Pair label="Parcels">{count(parcels.length)}</Pair>
      <Pair label="Tracking">{trackingNumbers.length === 0 ? "none yet" : trackingNumbers.join(", ")}</Pair>
    </dl>
  )),
  Product: panel(Product, ({ listed, price, title }) => (
    <dl class="pairs">
      <Pair label="Title">{title}</Pair>
      <Pair label="Price">{money(price.amount, price.currency)}</Pair>
      <Pair label="Sold">{listed ? <Badge tone="good">listed</Badge> : <Badge>not listed</Badge>}</Pair>
    </dl>
  )),
  Customer: panel(Customer, ({ email, guest, name, orders, points }) => (
    <dl class="pairs">
      <Pair label="Name">{name ?? "–"}</Pair>
      <Pair label="E-mail">{email ?? "–"}</Pair>
      <Pair label="Kind">{guest ? "guest" : "account"}</Pair>
      <Pair label="Orders">{count(orders.count)}</Pair>
      <Pair label="Points">{count(points)}</Pair>
    </dl>
  ))
}
