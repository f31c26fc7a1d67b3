/** As much of an entity as an operator has to be told. */
export interface Entity {
  readonly entityType: string
  readonly entityId: string
  readonly shard: number
}

/** Whose code runs, and for which message. */
export interface InHand {
  readonly entity: Entity
  readonly message: string
}

let entity: Entity | null = null
let message = ""

/** Does a piece of work that does not wait, in the name of an entity: what a thread that stands still in it is asked for. */
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

/** Whose work this thread is in the middle of; `null` if that is nobody's. */
export const current = (): InHand | null => (entity === null ? null : { entity, message })
