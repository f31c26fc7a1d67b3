import { Carrier } from "@halles/entities/shipment/Carrier"
import * as Domains from "@halles/entities/Domains"
import { layerRegion } from "@halles/entities/Migrations"
import { PaymentGateway } from "@halles/entities/payment/PaymentGateway"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { Effect, Layer } from "effect"

const done = Effect.succeed({ _tag: "Done" } as const)
/** Partners that always agree; the real ones are processes of their own, with tests of their own. */
const partners = Layer.mergeAll(
  Layer.succeed(PaymentGateway, {
    authorise: ({ reference, token }) =>
      Effect.succeed(
        token === "tok_declined"
          ? { _tag: "Declined", reason: "card_declined" }
          : { _tag: "Authorised", authorisationId: `auth-${reference.length}` }
      ),
    capture: () => done,
    void: () => done,
    refund: () => done
  }),
  Layer.succeed(Carrier, {
    ship: ({ orderId }) => Effect.succeed({ _tag: "Booked", shipmentId: orderId, trackingNumbers: ["T1"] }),
    cancel: () => Effect.succeed({ _tag: "Cancelled" }),
    returnLabel: () => Effect.succeed({ _tag: "Labelled", label: "L1" })
  })
)

/** Every entity, in this process, over a real database. */
export const layer = Domains.layer.pipe(
  Layer.provide(partners),
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion)
)
