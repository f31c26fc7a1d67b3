/** As much of an entity as an operator has to be told. */
export interface Entity {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
}

/** The entity whose code runs, and the message that it runs for. */
export interface InHand {
  readonly entity: Entity
  readonly message: string
}

let entity: Entity | null = null
let message = ""

/** Runs work that never waits. Until it ends, `current` gives its entity and message, which `EventLoopStall` reports of an event-loop stall. */
export const during = <A>(whose: Entity, about: string, work: () => A): A => {
  const outerEntity = entity
  const outerMessage = message
  entity = whose
  message = about
  try {
    return work()
  } finally {
    entity = outerEntity
    message = outerMessage
  }
}

/** The entity and message that this thread works for now; `null` when it is in no such work. */
export const current = (): InHand | null => (entity === null ? null : { entity, message })
