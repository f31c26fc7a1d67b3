import { Cause, Clock, Context, Effect, Layer, Option } from "effect"
import type { EntityAddress } from "effect/cluster"
import { Parking } from "./Parking.ts"
import { commandIdOf } from "./Call.ts"
import { causeText, isDeath, type Strike, Strikes, windowMs } from "./Strikes.ts"

export const nameOf = ({ entityId, entityType }: EntityAddress.EntityAddress): string => `${entityType}/${entityId}`

/** Counts what the entities of this process die of and where they hang, and parks those that do nothing else. */
export class Supervision extends Context.Service<
  Supervision,
  {
    /** Parked as far as this process knows: what another one parked is learned from the journal, when it is loaded. */
    readonly isParked: (address: EntityAddress.EntityAddress) => boolean
    readonly parked: () => ReadonlyArray<EntityAddress.EntityAddress>
    /** It is parked already: the journal says so. */
    readonly noteParked: (address: EntityAddress.EntityAddress) => void
    /** An operator resumed it, or it lives elsewhere now. */
    readonly release: (address: EntityAddress.EntityAddress) => void
    readonly isStruck: (address: EntityAddress.EntityAddress) => boolean
    /** A message succeeded. Says whether that forgives what went wrong before: a query does not. */
    readonly forgive: (address: EntityAddress.EntityAddress, payload: unknown) => boolean
    /** Something ended in this cause. Says whether the entity is to blame. */
    readonly died: (
      address: EntityAddress.EntityAddress,
      strike: Strike,
      cause: Cause.Cause<unknown>,
      payload?: unknown
    ) => boolean
    readonly hung: (address: EntityAddress.EntityAddress, tag: string, ms: number) => void
    /** The entity died of this very command so often that it is not tried again. */
    readonly isDeadly: (address: EntityAddress.EntityAddress, payload: unknown) => boolean
    readonly forgetOld: () => void
  }
>()("@halles/engine/ActivationDirectory/Supervision") {
  static readonly layer = Layer.effect(
    Supervision,
    Effect.gen(function* () {
      const parking = yield* Effect.serviceOption(Parking)
      const clock = yield* Clock.Clock
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const strikes = new Strikes()
      const parked = new Map<string, EntityAddress.EntityAddress>()

      const note = (
        address: EntityAddress.EntityAddress,
        strike: Strike,
        cause: () => string,
        commandId?: string
      ): void => {
        const name = nameOf(address)
        const tries = strikes.note(name, strike, clock.currentTimeMillisUnsafe(), commandId)
        if (tries === 0 || parked.has(name) || Option.isNone(parking)) return
        parked.set(name, address)
        fork(parking.value.park(address, { cause: cause(), tries }))
      }

      return Supervision.of({
        isParked: (address) => parked.size > 0 && parked.has(nameOf(address)),
        parked: () => [...parked.values()],
        noteParked: (address) => void parked.set(nameOf(address), address),
        release: (address) => {
          parked.delete(nameOf(address))
          strikes.forgive(nameOf(address))
        },
        isStruck: (address) => strikes.has(nameOf(address)),
        forgive: (address, payload) => {
          if (commandIdOf(payload) === undefined) return false
          strikes.forgive(nameOf(address))
          return true
        },
        died: (address, strike, cause, payload) => {
          if (!isDeath(cause)) return false
          note(address, strike, () => causeText(cause), commandIdOf(payload))
          return true
        },
        hung: (address, tag, ms) =>
          note(address, "hang", () => `${tag} did not return within ${Math.round(ms / 1_000)} s`),
        isDeadly: (address, payload) => {
          const commandId = commandIdOf(payload)
          return commandId !== undefined && strikes.isDeadly(nameOf(address), commandId)
        },
        forgetOld: () => strikes.forget(clock.currentTimeMillisUnsafe() - windowMs)
      })
    })
  )
}
