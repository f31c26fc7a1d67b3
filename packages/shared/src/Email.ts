import { Schema, SchemaTransformation } from "effect"
import { domainToASCII, domainToUnicode } from "node:url"

/** RFC 5321 4.5.3.1.1, and 4.5.3.1.3 without its brackets. */
const localBytesMax = 64
const bytesMax = 254

/** Words with single dots between (RFC 5322 3.2.3), of ASCII or of letters, marks and digits of any script (RFC 6531). */
const local = /^[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}-]+)*$/u
/** What is ASCII in a domain: the rules of URLs would let escapes and ports pass. */
const hostSigns = /^[A-Za-z0-9.-]*$/
/** Shows as nothing and is left out of the domain: it would make two addresses of one. Joiners have a meaning in some scripts. */
const hidden = /(?![\u200c\u200d])\p{Default_Ignorable_Code_Point}/u
/** Two labels at least, the last one no number (RFC 1123 2.1, RFC 3696 2). */
const host = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The one form in which an address is kept: no blanks around it, composed (NFC), what stands before the @ as its owner writes
 * it, the domain in lower case and in the letters that people read: `info@MÜLLER.example` and `info@xn--mller-kva.example`
 * are one address. Which servers take its mail is asked by the domain's ASCII form. `undefined` for what is no address.
 */
export const canonical = (text: string): string | undefined => {
  if (text.length > 4 * bytesMax) return undefined
  const trimmed = text.trim().normalize("NFC")
  const at = Math.max(trimmed.lastIndexOf("@"), 0)
  const name = trimmed.slice(0, at)
  const domain = trimmed.slice(at + 1)
  if (!local.test(name) || Buffer.byteLength(name) > localBytesMax) return undefined
  if (!hostSigns.test(domain.replace(/[^\0-\x7f]/g, "")) || hidden.test(domain)) return undefined
  const ascii = domainToASCII(domain)
  if (!host.test(ascii) || Buffer.byteLength(name) + 1 + ascii.length > bytesMax) return undefined
  return `${name}@${domainToUnicode(ascii)}`
}

const bounds = { maxLength: bytesMax, format: "idn-email" }
const expected = "an e-mail address: name@domain.tld"

/** Syntax only; that mail arrives is proved by sending some. */
export const Email = Schema.String.check(
  Schema.makeFilter((text) => text.length <= 4 * bytesMax, { expected, toJsonSchema: () => bounds })
)
  .annotate({ examples: ["ada@example.com"] })
  .pipe(
    Schema.decodeTo(
      Schema.String.check(
        Schema.makeFilter((text: string) => canonical(text) === text, {
          expected,
          toJsonSchema: () => bounds,
          arbitraryConstraint: { patterns: [{ source: "^[a-z]{1,8}@[a-z]{1,8}\\.example$", flags: "" }] }
        })
      ),
      SchemaTransformation.transform({ decode: (text) => canonical(text) ?? text, encode: (text) => text })
    )
  )
export type Email = typeof Email.Type
