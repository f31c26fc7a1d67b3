/** A row of the journal. */
export interface Row {
  readonly type: string
  readonly id: string
  readonly seq: number
  readonly commandId: string
  readonly events: ReadonlyArray<{ readonly _tag: string }>
  readonly epoch: number
  /** Unix milliseconds. */
  readonly at: number
}

/** What a caller was told is done: a command of an entity, what it did there, or both. */
export interface Acknowledged {
  readonly type: string
  readonly id: string
  /** `null` where only the effect is known, an order's for one. */
  readonly commandId: string | null
  /** As `effectsOf` names it; `null` where the command alone says enough. */
  readonly effect: string | null
  /** Of a sale. */
  readonly units?: number
}

export const keyOf = ({ id, type }: { readonly type: string; readonly id: string }): string => `${type}/${id}`

export const lineEffect = (code: string, quantity: number): string => `LinePut ${code}=${quantity}`
/** Of a cart: its orders are numbered. */
export const checkedOutEffect = (attempt: number): string => `CheckedOut ${attempt}`
export const soldEffect = (order: string): string => `Held ${order}`

/** What a row did, by names that a caller can make from its answers. An entity does each of these once, but for lines. */
const effectsOf = ({ events, type }: Row): ReadonlyArray<string> =>
  events.flatMap((event) => {
    const about = event as unknown as Readonly<Record<string, unknown>>
    switch (`${type} ${event._tag}`) {
      case "Cart LinePut": {
        const { quantity, sku } = about["line"] as { readonly sku: string; readonly quantity: number }
        return [lineEffect(sku, quantity)]
      }
      case "Sku Held":
      case "Sku Reserved":
      case "Sku Shipped":
        return [`${event._tag} ${String(about["orderId"])}`]
      case "Cart CheckedOut":
      case "Cart OrderPlaced":
      case "Cart Reopened":
        return [`${event._tag} ${String(about["attempt"])}`]
      case "Payment Captured":
      case "Payment Refunded":
        return [`${event._tag} ${String(about["reference"])}`]
      case "Cart CartOpened":
      case "Order Placed":
      case "Order ShipmentBooked":
      case "Order StockReserved":
      case "Order StockUnavailable":
      case "Order PaymentAuthorised":
      case "Order PaymentCaptured":
      case "Order StockShipped":
      case "Order Delivered":
      case "Payment Authorised":
        return [event._tag]
      default:
        return []
    }
  })

const repeated = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set<string>()
  return names.filter((name) => seen.size === seen.add(name).size)
}

export interface Audit {
  /** Acknowledged, and not in the journal. */
  readonly lost: ReadonlyArray<string>
  /** In the journal twice, or the answer to two commands. */
  readonly duplicated: ReadonlyArray<string>
}

/**
 * Compares what was acknowledged with the journal, which must have the whole history of each entity concerned. `uniqueLines`: every
 * line was put with a quantity of its own, so that the same line and quantity twice is one command twice.
 */
export const audit = (
  acknowledged: ReadonlyArray<Acknowledged>,
  journal: ReadonlyArray<Row>,
  { uniqueLines }: { readonly uniqueLines: boolean }
): Audit => {
  const rows = Map.groupBy(journal, keyOf)
  const about = Map.groupBy(acknowledged, keyOf)
  const lost: Array<string> = []
  const duplicated: Array<string> = []
  for (const entity of new Set([...rows.keys(), ...about.keys()])) {
    const history = rows.get(entity) ?? []
    const said = about.get(entity) ?? []
    const written = new Map(history.map((row) => [row.commandId, row]))
    const effects = history.flatMap(effectsOf)
    const known = new Set(effects)
    for (const { commandId, effect } of said) {
      const row = commandId === null ? undefined : written.get(commandId)
      if (commandId !== null && row === undefined) lost.push(`${entity} ${commandId}`)
      else if (effect !== null && !(row === undefined ? known.has(effect) : effectsOf(row).includes(effect))) {
        lost.push(`${entity} ${commandId ?? ""} ${effect}`)
      }
    }
    const once = uniqueLines ? effects : effects.filter((effect) => !effect.startsWith("LinePut "))
    duplicated.push(
      ...repeated(history.map(({ commandId }) => commandId)).map((id) => `${entity}: two rows of ${id}`),
      ...repeated(once).map((effect) => `${entity}: ${effect} twice`),
      // One answer cannot be the answer to two commands.
      ...repeated(said.flatMap(({ commandId }) => commandId ?? [])).map((id) => `${entity}: told twice of ${id}`)
    )
  }
  return { lost, duplicated }
}

/** Units that were acknowledged as sold beyond the stock that there was, over all SKUs. */
export const oversold = (acknowledged: ReadonlyArray<Acknowledged>, stockOf: (sku: string) => number): number => {
  const sold = Map.groupBy(
    acknowledged.filter(({ effect, type }) => type === "Sku" && effect?.startsWith("Held ") === true),
    ({ id }) => id
  )
  return [...sold].reduce(
    (sum, [sku, sales]) =>
      sum + Math.max(0, sales.reduce((units, { units: more = 1 }) => units + more, 0) - stockOf(sku)),
    0
  )
}
