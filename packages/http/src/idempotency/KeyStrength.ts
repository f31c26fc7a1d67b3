/**
 * What a key says of a sender without a token. `proof`: nobody else can have come upon it, so whoever repeats it is the one
 * who sent it first. `guessable`: anybody may send it, by counting or by carelessness. `weak`: anything between.
 */
export type KeyStrength = "proof" | "weak" | "guessable"

/** UUIDs that are random (version 4) or random behind a moment (7); those of other versions follow from what others may know. */
const randomUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const anyUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** 128 bits each, by their form. */
const ulid = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i
const hex = /^(?:[0-9a-f]{32,}|[0-9A-F]{32,})$/
const base64url = /^[A-Za-z0-9_-]{22,}$/

const distinct = (text: string): number => new Set(text).size

const kindOf = (character: string): "upper" | "lower" | "digit" =>
  /[A-Z]/.test(character) ? "upper" : /[a-z]/.test(character) ? "lower" : "digit"
/** Which share of the letters and digits follows on one of another kind: more than half of them in what is random, few in words, dates and numbers. */
const changes = (text: string): number => {
  const kinds = [...text.replaceAll(/[_-]/g, "")].map(kindOf)
  return kinds.filter((kind, at) => at > 0 && kind !== kinds[at - 1]).length / (kinds.length - 1)
}

/**
 * Of random keys of these forms three in a hundred are taken for weak, at the most; what is made of words, dates and numbers is
 * not taken for proof. A digest of something that others know cannot be told from a random key.
 */
export const strengthOf = (key: string): KeyStrength => {
  if (anyUuid.test(key)) {
    const isVaried = distinct(key.replaceAll("-", "").toLowerCase()) >= 8
    return !isVaried ? "guessable" : randomUuid.test(key) ? "proof" : "weak"
  }
  if (key.length < 8 || distinct(key) < 4 || /^\d+$/.test(key)) return "guessable"
  if (ulid.test(key)) return distinct(key) >= 10 && changes(key) >= 0.15 ? "proof" : "weak"
  if (hex.test(key)) return distinct(key) >= 8 && changes(key) >= 0.15 ? "proof" : "weak"
  const isMixed = /[A-Z]/.test(key) && /[a-z]/.test(key) && distinct(key) >= 12
  return base64url.test(key) && isMixed && changes(key) >= 0.4 ? "proof" : "weak"
}
