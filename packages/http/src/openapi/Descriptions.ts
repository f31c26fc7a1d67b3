// What the contract says at length, for people: the groups, each operation, parameters and statuses.

export const groups: Readonly<Record<string, string>> = {
  Carts: "Open a cart, put lines into it, and turn it into an order. A cart's id is unguessable and is its own proof.",
  Orders: "What became of a checkout: its state and history, live if wanted; cancelling it, and sending goods back.",
  Customers: "Who buys: profile, addresses, preferences and consents.",
  Stock: "What a region has of a SKU, by warehouse.",
  Catalogue: "What a region sells, at which price; imports of whole catalogues.",
  Bulk: "Many changes in one request. Each item succeeds or fails by itself, and says so.",
  "Webhook endpoints":
    "Where you are told of what happens, by Standard Webhooks: signed, at least once, under an id that is the same each time. What is told is that something happened and at which version; ask for the rest. The order in which it arrives is not promised; `seq` tells.",
  Webhooks: "Where the payment gateway and the carrier report to, signed by Standard Webhooks.",
  "Partner keys":
    "Keys with which partners' programs call the API: made, rotated and ended here; their secrets are shown once.",
  Faults:
    "What operators let go wrong on purpose at the edge, to see what follows. Nothing unless somebody asks, always with an end.",
  Health: "Whether the process lives and can do its work, for load balancers and supervisors."
}

const repeated = "Repeated with the same `Idempotency-Key` it takes effect once."

export const operations: Readonly<Record<string, string>> = {
  "carts.openCart": `The cart lives in its region for good, and is priced in one currency. ${repeated} With \`pricing: agreed\` the caller states prices and charges itself, which needs the import scope.`,
  "carts.getCart":
    "Priced as of the last change; prices are read again at checkout. Lines of an open cart say what of them could be sold at this moment (`availability`): advice, since only a checkout sets goods aside. `lastFailure` says why the order of the latest checkout came to nothing. Send `If-None-Match` to be told 304.",
  "carts.putLine":
    "States the quantity, so that a repeat changes nothing. The unit price is the product's, unless the cart has agreed pricing.",
  "carts.addLine": `As \`putLine\` with what is there already added. ${repeated}`,
  "carts.reprice": "As checkout does it; a line whose product is gone stays as it is, and stops the checkout.",
  "carts.putCoupon": "The last one holds. What it is worth is said here, which needs the import scope.",
  "carts.removeCoupon": "Taking off a coupon that is not there is no error.",
  "carts.removeLine": "Taking out a line that is not there changes nothing and is no error.",
  "carts.putCharge": "Shipping, a discount or a fee of a cart with agreed pricing. An amount of 0 takes it away.",
  "carts.mergeCart":
    "Lines of the same SKU and variant add up, charges of the same code too. The coupon comes along; of two the one that takes more off is kept. What is not brought over stands in `notices`. Both carts must be of one region, currency and pricing; the other cart takes no more changes.",
  "carts.checkOut": `Re-prices and closes the cart, and starts the order: stock is held, the payment authorised, stock reserved, the shipment booked. Answers 202 while that goes on and 201 once it is decided; \`Prefer: wait=10\` waits for the decision. State in \`expectedTotal\` what the customer saw and agreed to, or in \`If-Match\` the version that was shown: another total is refused with both (\`total_changed\`), and the cart then shows the new one. Without either, no more is charged than the cart says. An order that cannot be fulfilled is cancelled, says why and what is missing, and leaves the cart open (\`cancelled.cartReopened\`): change it, or take another card, and check out again with a new key. Each checkout is an order of its own. ${repeated}`,
  "orders.getOrder": "With its totals, payment, parcels, returns and every step of its history.",
  "orders.getPayment":
    "The ledger of what was asked of the payment gateway. It has no routes that change it: goods that leave capture, a return refunds, a cancelled order voids, so that an order and its money never disagree. What a cardholder's bank takes back is never refunded as well: a return is then paid back what is left, and the rest when the dispute is won.",
  "orders.getShipment": "One parcel for each warehouse, the carrier's numbers for them, and what is on its way back.",
  "orders.getReturn": "Refunded once the goods have come back.",
  "orders.watchOrder":
    "Server-sent events: each step of the history, then each new one as it happens, with its `seq` as id. Reconnect with `Last-Event-ID` to go on where the stream broke off. A comment comes every 15 seconds while nothing happens.",
  "orders.cancelOrder": `What the order has done is undone: the shipment recalled, stock released, the payment voided. ${repeated}`,
  "orders.requestReturn": `For goods that have been shipped. They are refunded once they have come back: what was paid for them, their share of every discount taken off and their tax included. A return that brings everything of the order back at once is paid back with shipping and fees as well; returns of parts are not, even if they come to everything in the end. Goods go back to the warehouses that they left, the last parcel's first. ${repeated}`,
  "customers.registerCustomer": `Without an e-mail address the customer is a guest, and becomes an account when it gets one. ${repeated}`,
  "customers.getCustomer": "Profile, addresses by label, consents by purpose, and the newest orders.",
  "customers.patchCustomer":
    "A merge patch (RFC 7396): members that are absent stay as they are; an address that is `null` is removed.",
  "customers.listOrders":
    "A page at a time, in an order that new ones do not disturb. With the `Consistency-Token` of a checkout the order is there.",
  "customers.movePoints": `Takes when negative, and never below zero. ${repeated}`,
  "skus.receiveSku": `Units that wait for stock are filled at once. ${repeated}`,
  "skus.putBackOrders": "Orders beyond what is there wait, and are filled in order as goods come in.",
  "bulk.bulkStock": `Receipts and counts, mixed. Items of one SKU go in the order of the request. ${repeated}`,
  "bulk.bulkProducts": `Items of one product go in the order of the request. ${repeated}`,
  "bulk.bulkLines": `In the order of the request, as one change of the cart; a quantity of 0 takes the line out. Says of each line whether it was taken, and shows the cart once. ${repeated}`,
  "faults.listFaults": "At every edge. What has ended is in the audit log.",
  "faults.startFault":
    "A share of a route's requests, or of the edge's calls to a region's entities, a region's database or Redis, is slow, fails or gets no answer. Routes of health, webhooks and faults cannot be chosen. At most 20 at a time: what ends first makes place. Needs a sign-in with two factors, and is written to the audit log with its reason.",
  "faults.endFault": "As if its time were over.",
  "skus.getSku": "On hand, held for orders under way, reserved for orders that are paid, and what is left to sell.",
  "skus.adjustSku": `A count of the shelf, as compare and swap: refused when on hand is no longer \`expectedOnHand\`. ${repeated}`,
  "catalog.importCatalog":
    "Rows of CSV or NDJSON: a product with its price, and its stock in one warehouse. Answers one line for every refused row and for progress, while the import goes on. CSV is read in the charset of `Content-Type`, else by its mark, else as UTF-8, with commas, semicolons, tabs or bars between cells; a file with a byte that is none of its encoding is refused before its first row. The same `import-id` again, even with rows moved, added or corrected, does what has not been done: a listing that was corrected is taken, a receipt of another quantity is refused as `already_received`, a listing that somebody changed since is told as `row_superseded` and left alone. The same row twice is two receipts. `from` skips rows, counted from 1 without the CSV header.",
  "catalog.listProducts":
    "In the order of their codes, a page at a time. `next` of one page is `cursor` of the page after it.",
  "catalog.putProduct":
    'States what the product is from now on. Needs the `ETag` of what it replaces, or `"0"` for a product that is new.',
  "catalog.deleteProduct": "Carts that hold it can no longer be checked out. Listing it again brings it back.",
  "catalog.getProduct": "Title, description and price of a SKU in one region. Send `If-None-Match` to be told 304.",
  "endpoints.createEndpoint": `An https URL with public addresses only. What happens from now on is sent there; the secret that signs it is in this answer and in no other. ${repeated}`,
  "endpoints.listEndpoints": "At most twenty of one owner; an administrator sees everybody's.",
  "endpoints.getEndpoint": "Without its secret.",
  "endpoints.putEndpoint":
    "Needs the `ETag` of what it replaces. Switched on again, an endpoint gets what waits for it; what happened while it was off is not sent.",
  "endpoints.deleteEndpoint": "Together with what waits for it.",
  "endpoints.rotateSecret":
    "For a day messages carry a signature by each of the two, so that none is refused meanwhile.",
  "endpoints.listDeliveries":
    "The newest first. `pending` waits for its next try, `dead` is given up after nine of them over three days; kept for a week, dead ones for a month.",
  "endpoints.replayDelivery": "Under the same id, whatever has become of it before.",
  "endpoints.replayDead": "Under their ids.",
  "endpoints.testEndpoint": "Of type `endpoint.test`, whatever the endpoint asks for.",
  "webhooks.gateway":
    "For the payment gateway only. Answered once what it says is written down; a notice that comes twice has one effect.",
  "webhooks.carrier":
    "For the carrier only. Answered once what it says is written down; a notice that comes twice has one effect.",
  "partnerKeys.createPartnerKey":
    "The secret is in this answer and nowhere else: what is lost is replaced, not found again. It goes into `Authorization: Bearer` or `X-Api-Key`. A key lives 90 days when nothing else is said.",
  "partnerKeys.listPartnerKeys":
    "A page at a time, by id; those that have ended too. A partner names itself and sees its own.",
  "partnerKeys.getPartnerKey": "When it was made, when it ends, and about when it was last used.",
  "partnerKeys.rotatePartnerKey":
    "The new key may do what the old one may, for as long. Both are good during the overlap, a day when nothing else is said, so that nobody has to change over in one moment.",
  "partnerKeys.revokePartnerKey": "Ending a key that has ended changes nothing and is no error.",
  "health.live": "Answers as long as the process does.",
  "health.ready": "Whether NATS, the control database and a runner of every region answer; 503 when one does not."
}

export const parameters: Readonly<Record<string, string>> = {
  id: "Region, `_`, and the unguessable rest. The region is where it lives.",
  sku: "The merchant's code of an article, the same in every region.",
  region: "Europe, the Americas or Asia-Pacific.",
  code: "Names the charge within its cart.",
  variant: "Which of several lines of the SKU; left out for the plain one.",
  cursor: "`next` of the page before this one.",
  limit: "The most items of one page.",
  q: "Words of the title.",
  from: "The first row to take, counted from 1 without the header.",
  key: "The id of the key: the part between `hk_` and the secret.",
  partner: "Whose keys; everybody's when left out.",
  prefer:
    "RFC 7240. At a checkout `wait=N`: answer once it is decided, or after N seconds, at most 30; `respond-async`: answer at once. At lines `return=minimal`: only whether it was done, and the version that it led to.",
  faultId: "As the answer that made it named it.",
  endpointId: "As the answer that made it named it.",
  messageId: "The `webhook-id` of the message.",
  state: "Only these.",
  returnId: "As the answer to the request for the return named it.",
  "consistency-token":
    "The `Consistency-Token` of an earlier answer: what this one shows is not older than what that one wrote.",
  "idempotency-key":
    "Made by the client, new for each intent, and the same on each retry. It is its sender's own: by the token, or by the id of a guest's thing. Without either it has to be random (a UUID, a ULID, 32 hexadecimal digits, 22 characters of base64url), or it is not heeded, which `Idempotency-Key-Ignored` says, or refused.",
  "import-id":
    "One delivery, however often it is sent: each of its rows takes effect once. Random when left out, and echoed.",
  "last-event-id": "The id of the last event that the client has seen.",
  "if-match":
    "The `ETag` that the change was decided on; at any other version it is refused with 412. `*` is any version.",
  "if-none-match": "The `ETag` of what the client has.",
  "webhook-id": "Names the notice; the same on each delivery.",
  "webhook-timestamp": "Seconds since 1970 when it was sent; older than five minutes is refused.",
  "webhook-signature": "HMAC-SHA-256 over id, timestamp and body, by Standard Webhooks."
}

export const statuses: Readonly<Record<string, string>> = {
  "200": "Done; the state as it is now.",
  "201": "Created, or decided.",
  "202": "Accepted; it goes on without the client.",
  "204": "Written down.",
  "304": "The client has it already.",
  "400": "The request does not follow the contract.",
  "401": "No valid credentials.",
  "403": "The credentials do not allow this.",
  "404": "There is no such thing.",
  "409": "The state of things stands against it.",
  "412": "It has changed since the client read it.",
  "413": "The body is too large.",
  "415": "A media type that is not taken here.",
  "422": "Understood, and refused.",
  "428": "Say by `If-Match` which version the change is meant for.",
  "429": "Too many requests; `Retry-After` says when to come back.",
  "500": "Something is broken on our side, and was logged.",
  "503": "Not available at the moment; send the same request again after `Retry-After`."
}
