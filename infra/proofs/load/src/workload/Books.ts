/** What the load was told is done: a command of an entity, what it did there, or both. */
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

/** A row of the journal, as far as books are kept of it. */
export interface Row {
  readonly type: string
  readonly id: string
  readonly commandId: string
  readonly events: ReadonlyArray<{ readonly _tag: string }>
}

export interface Verdict {
  /** Told as done, and not in the journal. */
  readonly lost: ReadonlyArray<string>
  /** In the journal twice. */
  readonly duplicated: ReadonlyArray<string>
  /** Units that were promised to buyers beyond those that there were. */
  readonly oversold: number
  readonly acknowledged: number
}

/** Every line that a load puts has a quantity of its own, so that the same line and quantity twice is one command twice. */
export const lineEffect = (code: string, quantity: number): string => `LinePut ${code}=${quantity}`
/** Of a cart: its orders are numbered, and a load places one with each. */
export const checkedOutEffect = (attempt: number): string => `CheckedOut ${attempt}`
export const soldEffect = (order: string): string => `Reserved ${order}`

/** What a row did that may be done only once, by names that the teller can make too. */
export const effectsOf = ({ events, type }: Row): ReadonlyArray<string> =>
  events.flatMap((event) => {
    const about = event as unknown as Readonly<Record<string, unknown>>
    switch (`${type} ${event._tag}`) {
      case "Cart LinePut": {
        const { quantity, sku } = about["line"] as { readonly sku: string; readonly quantity: number }
        return [lineEffect(sku, quantity)]
      }
      case "Sku Reserved":
        return [soldEffect(String(about["orderId"]))]
      case "Cart CheckedOut":
        return [checkedOutEffect(Number(about["attempt"]))]
      case "Cart OrderPlaced":
      case "Cart Reopened":
        return [`${event._tag} ${String(about["attempt"])}`]
      case "Cart CartOpened":
      case "Order Placed":
      case "Order ShipmentBooked":
      case "Order StockReserved":
      case "Order StockUnavailable":
      case "Order PaymentAuthorised":
      case "Order PaymentCaptured":
      case "Order Delivered":
        return [event._tag]
      default:
        return []
    }
  })

const entityOf = ({ id, type }: { readonly type: string; readonly id: string }): string => `${type}/${id}`

const repeated = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set<string>()
  return names.filter((name) => seen.size === seen.add(name).size)
}

/** Holds what was told against the journal of the entities that it is about. */
export const audit = (
  acknowledged: ReadonlyArray<Acknowledged>,
  journal: ReadonlyArray<Row>
): Pick<Verdict, "duplicated" | "lost"> => {
  const rows = Map.groupBy(journal, entityOf)
  const lost: Array<string> = []
  const duplicated: Array<string> = []
  for (const [entity, about] of Map.groupBy(acknowledged, entityOf)) {
    const history = rows.get(entity) ?? []
    const written = new Map(history.map((row) => [row.commandId, row]))
    const effects = history.flatMap(effectsOf)
    const known = new Set(effects)
    for (const { commandId, effect } of about) {
      const row = commandId === null ? undefined : written.get(commandId)
      if (commandId !== null && row === undefined) lost.push(`${entity} ${commandId}`)
      else if (effect !== null && !(row === undefined ? known.has(effect) : effectsOf(row).includes(effect))) {
        lost.push(`${entity} ${commandId ?? ""} ${effect}`)
      }
    }
    duplicated.push(
      ...repeated(history.map(({ commandId }) => commandId)).map((id) => `${entity}: two rows of ${id}`),
      ...repeated(effects).map((effect) => `${entity}: ${effect} twice`)
    )
    // One answer cannot be the answer to two commands.
    duplicated.push(
      ...repeated(about.flatMap(({ commandId }) => commandId ?? [])).map((id) => `${entity}: told twice of ${id}`)
    )
  }
  return { lost, duplicated }
}

/** Units that were told as sold beyond the stock that there was, over all SKUs. */
export const oversold = (acknowledged: ReadonlyArray<Acknowledged>, stockOf: (sku: string) => number): number => {
  const sold = Map.groupBy(
    acknowledged.filter(({ effect, type }) => type === "Sku" && effect?.startsWith("Reserved ") === true),
    ({ id }) => id
  )
  return [...sold].reduce(
    (sum, [sku, sales]) =>
      sum + Math.max(0, sales.reduce((units, { units: more = 1 }) => units + more, 0) - stockOf(sku)),
    0
  )
}
