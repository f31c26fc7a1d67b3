/** What stands at the beginning of the document, in Markdown: how to begin, and what holds for all routes. */
export const introduction = `
Carts, orders, stock, catalogue and customers of a shop.

**A first order** needs no sign-in:

1. \`POST /v1/carts\` with \`{"region":"eu","currency":"GBP"}\` answers with a cart, whose \`id\` goes into the paths below.
2. \`PUT /v1/carts/{id}/lines/TEA-01\` with \`{"quantity":2}\`; \`GET /v1/products\` tells what else is sold.
3. \`POST /v1/carts/{id}/checkout\` with an \`Idempotency-Key\`, such as a random UUID, an e-mail address, a shipping address and a
   \`paymentToken\`, which is \`tok_ok\` for the local gateway. With \`Prefer: wait=10\` the answer is the order as it was decided.
4. \`GET /v1/orders/{orderId}\` shows what became of it, \`/v1/orders/{orderId}/events\` as it happens.

**Money** is in minor units as a string of digits.

**Errors** are problem details (RFC 9457) with a stable \`code\`; their \`type\` leads to a page that says what to do. Any route may
also answer 405 to another method, and what is no request of HTTP is answered 400, 417 or 431 without a body before a route is
chosen.

**Repeats.** A repeated \`Idempotency-Key\` has one effect; a replayed answer carries \`Idempotent-Replayed: true\`.

**Versions.** \`ETag\` names the version of what was read, and \`If-Match\` lets a change happen to that version only. Changes answer with
a \`Consistency-Token\` that lists take. \`traceparent\` is taken and kept, \`traceresponse\` names the trace.

**Bounds.** A body has at most 256 KiB, but for imports; path and query 8 KiB, a head 16 KiB and 100 headers. JSON that could mean
two things is refused: a member that stands twice or is called \`__proto__\`, U+0000, half of a surrogate pair, a number without a
finite value, more than 64 levels.

**Texts** are composed (NFC) when they are taken, and their lengths are counted after that; they have no controls, no change of
direction that does not end, at most 30 marks on one character, and, but where they may be empty, something visible. A text of
format \`line\` is one line; in a \`paragraph\` and in a \`copy\` lines may break. A \`line\` and a \`paragraph\` have no card number in
them. A \`percent-encoded-paragraph\` is one of at most 300 characters in a header. Blanks round an \`idn-email\` are left out. A country is one that ISO 3166-1 has assigned.
`.trim()
