// What parameters, headers and statuses mean, wherever they stand. What an operation does is said beside it.

export const parameters: Readonly<Record<string, string>> = {
  id: "Region, `_`, and the unguessable rest. The region is where it lives.",
  sku: "The merchant's code of an article, the same in every region.",
  region: "Europe, the Americas or Asia-Pacific.",
  code: "The merchant's name of it: of a charge within its cart, of a product type, a product model or a category in every region.",
  parent: "The category that stands directly above; without it those that stand below none.",
  changeId: "Names the change; made by whoever schedules it.",
  slug: "What stands for a product in addresses.",
  channel: "Where the shop sells; without it all that it sells anywhere.",
  language: "The language of texts, where there is a translation.",
  variant: "Which of several lines of the SKU; left out for the plain one.",
  cursor: "`next` of the page before this one.",
  limit: "The most items of one page.",
  q: "Words to look for.",
  filters:
    "`colour:black,grey;category:bags`: of each facet one of the values. `:`, `,`, `;` and `%` in names and values are percent-encoded.",
  facets: "Facets to count, with commas between: `category`, `brand`, `price`, `availability`, or codes of attributes.",
  priceFrom: "The least price, in minor units before tax.",
  priceTo: "The highest price, in minor units before tax.",
  sort: "The order; `-` is downwards, and without it what answers the query best comes first.",
  from: "The first row to take, counted from 1 without the header.",
  dryRun: "`true`: every row is read and judged, and nothing is done.",
  stock: "`add`: what a row says comes in. `set`: it is what its warehouse has from then on.",
  delimiter: "What stands between the cells of CSV. Found out when left out.",
  columns:
    "Names of columns in the CSV file and what they are here, as `Artikel:sku,Preis:price,Notiz:-`. `-` is a column that is not looked at.",
  format: "Of the answer; CSV when left out.",
  hash: "SHA-256 of the content as it is stored.",
  alt: "What the picture shows, for who does not see it.",
  width: "Of the box, in pixels.",
  height: "Of the box, in pixels.",
  fit: "`inside` shows all of the picture within the box, `cover` fills the box around the focus.",
  as: "`auto`, which goes by what a client says it takes, or a format.",
  by: "What shows it, by type and id.",
  "tus-resumable": "The version of the protocol.",
  "upload-length": "Of all pieces together, in bytes.",
  "upload-metadata": "Taken and not looked at: what it is follows from its bytes.",
  "upload-id": "One upload, however often it is sent. Random when left out.",
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
