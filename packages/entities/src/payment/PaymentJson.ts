import { Money } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { gbp, saleId } from "../sale/SaleJson.ts"
import { LedgerEntry, PaymentView } from "./Payment.ts"

const { orderId, seq, status } = PaymentView.fields

/** What was asked of the payment gateway for an order, and what came of it. The order's own steps move it. */
export const PaymentJson = ViewJson.object<PaymentView>()(
  "Payment",
  {
    orderId,
    status,
    authorised: Money,
    captured: Money,
    refunded: Money,
    /** What cardholders' banks took back and did not give again. */
    disputed: Money,
    ledger: Schema.Array(Schema.Struct({ ...LedgerEntry.fields, amount: Money })),
    seq
  },
  {
    sample: {
      orderId: saleId,
      status: "authorised",
      authorised: gbp("1662"),
      captured: gbp("0"),
      refunded: gbp("0"),
      disputed: gbp("0"),
      ledger: [
        {
          kind: "authorise",
          reference: `${saleId}:authorise`,
          amount: gbp("1662"),
          status: "succeeded",
          reason: null,
          at: 1_793_613_600_090
        }
      ],
      seq: 2
    }
  }
)
